"""Words by which a request is known that is none for a spec, or not a friendly one."""

from typing import Final

INJECTION: Final = """
ignore previous, ignore all previous, ignore all, ignore the previous, ignore your, ignore prior,
    ignore above, ignore the above, ignore everything, ignore the rules, ignore any, disregard,
    forget your instructions, forget previous, forget all previous, forget everything, forget the
    above, forget all, override your, override the, bypass, you are now, act as, pretend to be,
    pretend you, pretend that, system prompt, system message, system:, developer mode, jailbreak,
    your instructions, previous instructions, prior instructions, your prompt, hidden
    instructions, new instructions, no restrictions, do anything now, your rules, without
    validation, without checking, skip validation, disable the validator, from now on you,
    roleplay, role play, execute this, execute the, run the command, run this command, run a
    command, run shell, shell command, eval(, os.system, subprocess, curl, wget, bash -c, sudo,
    <script, drop table, <system>, [system], [inst], 이전 지시, 이전 지시사항, 이전 명령, 지시를
    무시, 지시 무시, 지시사항 무시, 지시사항을 무시, 명령을 무시, 모든 지시, 규칙을 무시, 규칙
    무시, 위의 내용 무시, 위 내용 무시, 앞의 지시, 앞선 지시, 지금까지의 지시, 시스템 프롬프트,
    프롬프트를 보여, 프롬프트 보여, 프롬프트를 출력, 프롬프트 출력, 프롬프트 공개, 너는 이제, 넌
    이제, 너는 지금부터, 지금부터 너는, 지금부터 넌, 이제부터 너는, 이제부터 넌, 제한 없이 대답,
    제한을 해제, 검증을 건너뛰, 검증 건너뛰, 검증하지 말고, 탈옥, 개발자 모드, 관리자 모드,
    명령어를 실행, 명령어 실행, 명령을 실행, 셸 명령, 쉘 명령, 스크립트를 실행, 역할을 해, 인
    척해, 인 척 해
"""
"""Attempts to instruct the drafter."""

DESTROY: Final = """
delete, erase, wipe, wipe out, destroy, rm, rm -rf, purge, nuke, truncate, unlink, format the
    disk, shred, clear out, clear all, delete all, get rid of all, remove all, remove every, drop
    the database, drop database, overwrite, uninstall, shut down, stop all, 삭제, 삭제해,
    삭제해줘, 삭제하고, 지워, 지워줘, 지우고, 지워버려, 지워라, 지우, 날려, 날려버려, 없애버려,
    파기, 폐기, 말소, 모두 초기화, 전부 초기화, 다 초기화, 저장소 초기화, 저장소를 초기화,
    밀어버려, 파괴, 덮어써, 덮어쓰, 다 없애, 전부 없애, 모두 없애, 모두 제거, 전부 제거, 포맷해,
    포맷하, 강제 종료
"""
"""Verbs that destroy."""

TREASURE: Final = """
spec, specs, specification, specifications, file, files, dataset, datasets, data, database, db,
    repo, repository, everything, all, folder, folders, directory, directories, runs, run,
    history, branch, branches, experiment, experiments, project, workspace, disk, table, tables,
    model, models, checkpoint, checkpoints, bucket, cluster, server, logs, pods, jobs, 스펙,
    스펙들, 파일, 파일들, 데이터, 데이터셋, 데이터베이스, 저장소, 전부, 모두, 모든, 다, 싹, 폴더,
    디렉토리, 기록, 이력, 브랜치, 실험, 실험들, 프로젝트, 디스크, 모델, 체크포인트, 서버, 로그,
    리포, 깃, 작업 공간
"""
"""What must not be destroyed."""

SECRETS: Final = """
api key, api keys, apikey, password, passwords, secret, secrets, credential, credentials, access
    token, auth token, token, tokens, private key, ssh key, environment variable, environment
    variables, env vars, env var, .env, gemini_api_key, openai_api_key, anthropic_api_key, etc
    passwd, kubeconfig, bearer, 비밀번호, 패스워드, 암호, 비밀 키, 비밀키, api 키, 에이피아이 키,
    토큰, 인증 정보, 자격 증명, 자격증명, 환경 변수, 환경변수, 개인 키, 개인키, 시크릿, 접속
    정보, 비밀
"""
"""What is nobody's business."""

REVEAL: Final = """
show, show me, print, give, give me, tell, tell me, reveal, what is, what's, whats, what are,
    list, dump, leak, send, send me, output, echo, read, cat out, display, expose, share, email,
    upload, post, write, include, put, return, 알려, 알려줘, 보여, 보여줘, 출력, 출력해,
    출력해줘, 말해, 말해줘, 내놔, 뭐야, 뭐지, 보내, 보내줘, 공개, 공개해, 읽어, 읽어줘, 주세요,
    줘, 적어, 적어줘, 넣어, 넣어줘, 무엇, 공유, 유출, 전송, 노출
"""
"""What one does with a secret."""

UNRELATED: Final = """
weather, forecast, poem, poems, poetry, haiku, joke, jokes, song, lyrics, stock, stocks, stock
    price, bitcoin, crypto, recipe, recipes, cook, cooking, lunch, dinner, breakfast, restaurant,
    movie, movies, film, novel, essay, story, translate, translation, capital of, president,
    world cup, football score, who won, news, horoscope, birthday, love letter, homework, python
    function, python script, javascript, java code, write code, write a function, write a
    program, write a script, write python, sort a list, fibonacci, sql query, html page, website,
    web page, email to, an email, cover letter, resume letter, travel, flight, flights, hotel,
    hotels, book a, order a, buy, shopping, meaning of life, math problem, solve, equation,
    summarize, summarise, what time, date today, play music, alarm, remind me, reminder, chess,
    riddle, trivia, write me a letter, write a letter, essay about, blog post, tweet, quicksort,
    square root, prime numbers, tell me about yourself, how old, how tall, how far, population
    of, 날씨, 일기예보, 기온, 시를 써, 시 써, 시 한 편, 시 한편, 시를 지어, 시 하나, 시 지어,
    농담, 유머, 노래, 가사, 주식, 주가, 비트코인, 코인 시세, 레시피, 요리, 점심, 저녁 메뉴, 저녁
    뭐, 메뉴 추천, 맛집, 영화, 드라마, 소설, 에세이, 이야기 해줘, 이야기해줘, 번역, 통역, 수도는,
    수도가, 대통령, 월드컵, 축구 경기, 뉴스, 운세, 생일, 연애편지, 편지를 써, 편지 써, 숙제,
    파이썬 함수, 파이썬 코드, 코드 짜, 코드를 짜, 코드 작성, 코드를 작성, 함수를 짜, 함수 짜,
    프로그램을 짜, 웹사이트, 홈페이지, 이메일 써, 이메일을 써, 메일 써, 메일 작성, 자기소개서,
    여행, 항공권, 비행기표, 호텔, 예약, 주문해, 구매, 쇼핑, 인생의 의미, 수학 문제, 방정식,
    요약해, 요약, 몇 시, 몇시, 알람, 리마인더, 체스, 수수께끼, 퀴즈, 심심해, 놀아줘, 사랑해,
    배고파, 피곤해, 자바스크립트, 자바 코드, 계산해줘, 더하면, 곱하면, 나이가, 키가 몇, 피보나치,
    블로그
"""
"""Subjects that no experiment is about."""
