"""Words that hold a sentence together: negation, correction, comparison, units, politeness."""

from typing import Final

SIGNS: Final = """
not after: 뺀, 뺀다, 빼면, 빼버려, 빼 버려, 떼어내, 떼어내고, 떼어내줘, 떼고, 떼줘, 떼어,
    잊어버리고, 잊어버려, 잊고, 잊어줘, 무시, 무시하고, 무시해, 무시해줘, 생략, 생략하고, 생략해,
    생략해줘, 지워버려, 지워버리고, 지워 버려, 날려버려, 없애버려, 안 쓰는, 안쓰는, 안 하는,
    안하는, 쓰지 않는, 사용하지 않는, 안 할, 안 쓸게, 안 씀, 안 쓰기, 안 쓰면, 안 하면, 안 해도,
    안 써도, 안 써, 안써, 없어도, 안 할래, 안 할게, 금지, 관두고, 됐고, 치우고, 치워, 치워줘,
    내버려, 외에, 이외에, 외에는, off, disabled, turned off, switched off, false, 말고, 말구,
    아니고, 아닌, 아니라, 빼고, 빼, 빼줘, 빼주세요, 빼서, 빼 줘, 빼고서, 제외, 제외하고, 제외한,
    없이, 없애, 없애줘, 없애고, 없앤, 없음, 없는, 없게, 끄고, 꺼, 꺼줘, 끄기, 꺼 줘, 끈, 하지
    말고, 하지말고, 쓰지 말고, 쓰지말고, 쓰지 않고, 쓰지 마, 쓰지마, 쓰지 말아, 쓰지 말아줘,
    사용하지 말고, 사용하지 않고, 사용하지 마, 사용 안 함, 사용 안함, 사용 안 하고, 안 쓰고,
    안쓰고, 안 쓸, 안 하고, 안하고, 안 해, 안 함, 안함, 하지 마, 하지마, 하지 않고, 하지 않은,
    하지 말아, 하지 말아줘, 하지 않을, 않고, 않은, 대신, 대신에, 필요 없, 필요없, 필요 없어,
    필요없어, 필요 없고, 필요없고, 필요 없음, 필요 없이, 제거, 제거하고, 제거해, 제거해줘,
    말아줘, 않아, 안 된, 안된, 되지 않은, 안 돼, 싫고, 싫어, 안 얼리고, 하지는 말고, 은 됐고, 는
    됐고, 오프, 켜지 말고, 넣지 말고, 주지 말고, 주지 마, 적용하지 말고, 적용하지 마, 적용 안,
    하지 않도록, 안 넣고, 안 켜고, 해제, 해제하고, 필요는 없, 말고요, 대신해서, 받지 말고,
    불러오지 말고, 삭제, 삭제해, 삭제해줘, 삭제하고, 삭제해주세요, 지워, 지워줘, 지우고,
    지워주세요, 마, 마요, 마세요, 말아주세요, 않습니다, 않을게
not before: wipe, purge, nuke, trash, forget, forget about, ignore, ignoring, never mind, all
    but, everything but, everything except, all except, everything apart from, apart from, don't
    care about, do not care about, dont care about, not interested in, no interest in, scrap,
    ditch, strip, cut out, cancel, discard, you didn't use, didn't use, didnt use, rather you
    didn't use, not to use, not have, without using, with no, no need of, leave off, kick out,
    throw out, take out, not, without, delete, kill, erase, no, no more, dont, don't, do not,
    dont use, don't use, do not use, instead of, rather than, except, except for, excluding,
    exclude, other than, anything but, never, avoid, skip, leave out, drop, remove, disable, turn
    off, switch off, omit, minus, neither, nor, isn't, shouldn't use, no need for, lose, get rid
    of, and not, but not, stop using, w/o, skip the, disabled, not use, not using, don't do, dont
    do, do not do, don't want, do not want, dont want, don't need, do not need, dont need, don't
    apply, free of
correct: hold on, hang on, wait a second, wait a minute, strike that, let me correct, 잠깐,
    잠깐만, 아 잠깐, 잠시만, 은 적다, 적다, 적네, 적어, 적으니, 적으니까, 적은데, 적겠다, 많다,
    많네, 많아, 많으니, 많은데, 부족해, 부족하다, 부족하니, 부족하네, 모자라, 모자라네, 과하다,
    과해, 과하네, 길다, 길어, 짧다, 짧아, 아니, 아니야, 아니다, 아니지, 아니아니, 정정, 정정할게,
    정정합니다, 아 아니, 아차, 앗, 다시, 잘못, 잘못 말했, 잘못 썼, 실수, 말고 아니, 이 아니라, 가
    아니라, actually, no wait, wait, wait no, correction, sorry, i mean, i meant, make that, make
    it, or rather, scratch that, oops, rather, on second thought, nope, change that to, my
    mistake, no make it, no actually, er, erm, let's say, 아니 아니, 아 참, 아니요, 아뇨, hmm no,
    수정
only: all i need, all i want, nothing but, nothing else than, no others than, only, just, solely,
    exclusively, merely, 오직, 오로지, 단지, 만을
like: like, same as, identical to, just like, copy, copy of, copy from, based on, based off, base
    it on, starting from, start with spec, clone, clone of, duplicate, modeled on, similar to,
    same settings as, same config as, same setup as, the same as, repeat, rerun, re-run, again
    with, as in, take, as before, same but, exactly like, exact same, variant of, reuse, derive
    from, same thing as, 똑같이, 똑같은, 같은, 같게, 동일하게, 동일한, 그대로, 처럼, 같이, 복사,
    복사해서, 복제, 복제해서, 기반으로, 기반, 바탕으로, 토대로, 베이스로, 설정으로, 설정 그대로,
    설정 따라, 따라서, 동일, 비슷하게, 복붙, 참고해서, 가져와서, 이어서, 하되, 하는데, 똑같은데,
    똑같이 하되, 마찬가지로, 본떠서, 유지, 유지하고, 유지하되, 재활용
name: call it, name it, named, call this, called, name is, name, with the name, titled, under the
    name, name should be, name the experiment, call the experiment, name this, naming it, name
    the run, call the run, rename, rename it, rename it to, rename to, rename it as, 이름,
    이름은, 이름을, 이름으로, 실험 이름, 실험 이름은, 실험명, 실험명은, 명칭, 이름이, 이름만,
    제목, 스펙 이름, 데이터셋 이름
name after: 라고 불러, 라고 불러줘, 이라고 불러, 이라고 불러줘, 라고 하자, 이라고 하자, 라는
    이름, 이라는 이름, 라고 이름, 이라고 이름, 라고 부르, 이라고 부르, 라고 저장, 이라고 저장,
    라고 해줘, 이라고 해줘, 로 이름, 으로 이름, 란 이름, 이란 이름, 라 불러, 이라 불러, 라는
    이름으로, 이라는 이름으로, 라고 지어줘, 이라고 지어줘, 로 저장, 으로 저장, 라고 이름 붙여
dataset-word: 신규 자료, 신규 데이터, dataset, datasets, data set, data, the data, dataset called,
    training data, 데이터셋, 데이터, 데이타, 데이터 셋, 데이타셋, 데이터세트, 학습 데이터, 자료
model-word: model, models, network, architecture, neural network, net, 모델, 모형, 네트워크,
    신경망, 아키텍처, 모델로
run: run, earlier run, previous run, past run, 실행, 런, 이전 실행
weights: weights, checkpoint weights, start from, starting weights, initial weights, load
    weights, init from, initialize from, resume from, weights from, initialise from, warm start
    from, starting from weights, 가중치, 웨이트, 초기 가중치, 시작 가중치, 에서 이어서
count classes: classes, class, kinds, kind, types, categories, category, breeds, species, labels,
    way, 종류, 종, 클래스, 가지, 가지 종류, 개 클래스, 개의 클래스, 품종, 개 종류, 카테고리, 가지
    품종, 가지 클래스, 종의, 종 분류
time 1 d: 하루, 하루만, a day, one day, 하루 안에
time 2 d: 이틀
time 3 d: 사흘
time 4 d: 나흘
time 7 d: 일주일, 한 주, a week, one week
time 1 h: an hour, one hour
time 30 m: half an hour, half hour, 반 시간, 반시간
time 90 m: an hour and a half, one and a half hours, hour and a half, one hour and a half, 한
    시간 반
time 12 h: half a day, 반나절
unit h: h, hr, hrs, hour, hours, 시간
unit m: min, mins, minute, minutes, 분
unit s: sec, secs, second, seconds, 초
unit d: d, day, days, 일, 일간
unit gi: gb, gib, gi, g, gigs, gig, gigabytes, gigabyte, 기가, 기가바이트, 지비
unit mi: mb, mib, mi, megabytes, megabyte, megs, 메가, 메가바이트, 엠비
unit ti: tb, tib, ti, terabyte, terabytes, 테라, 테라바이트, 티비
unit px: px, pixel, pixels, 픽셀, 화소, pix
unit %: percent, per cent, pct, 퍼센트, 프로, 퍼
unit times: x, times, fold, 배, 배로, 배수
unit piece: 장, 대, 개, 매, ea, pcs, pieces, 장씩, 개씩, 대로
unit turn: 번, 회, 회독, 바퀴, 번씩
twice: double, twice, doubled, doubling, two fold, twofold, 두 배, 두배, 갑절, 곱절, 따블, 더블,
    2배
thrice: triple, tripled, thrice, threefold, 세 배, 세배, 3배
half: half, halve, halved, halving, half of, half as many, half as much, half the, a half, 절반,
    반, 반으로, 절반으로, 반토막, 이분의 일
quarter: quarter, a quarter, quartered, one quarter, a quarter of, 사분의 일, 반의 반
third: a third, one third, a third of, 삼분의 일
tenth: a tenth, one tenth, tenth, a tenth of, 십분의 일
more: more, extra, additional, longer, higher, larger, bigger, greater, plus, further, 더, 추가,
    추가로, 더하기, 플러스
less: less, fewer, shorter, lower, smaller, 덜, 적게, 마이너스
up: increase, raise, grow, bump, bump up, boost, up, add, increased, raised, lengthen, extend,
    increase by, raise by, 늘려, 늘려줘, 늘리고, 늘려서, 늘려주세요, 늘리, 늘린, 올려, 올려줘,
    올리고, 올려서, 올려주세요, 올리, 증가, 증가시켜, 높여, 높여줘, 높이고, 높이, 키워, 키워줘,
    키우고, 키우, 더해, 더해줘, 추가해, 추가해줘, 추가하고, 늘어, 연장
down: decrease, reduce, lower to, cut, shrink, shorten, decreased, reduced, lowered, bring down,
    decrease by, reduce by, lower by, cut by, 줄여, 줄여줘, 줄이고, 줄여서, 줄여주세요, 줄이,
    줄인, 내려, 내려줘, 내리고, 내려서, 내리, 낮춰, 낮춰줘, 낮추고, 낮춰서, 낮추, 감소, 감소시켜,
    감축, 낮게, 깎아, 축소
by: by
to: to, into, until, up to, down to
from: from
between: between, range, ranging, anywhere, somewhere between, range of, 사이, 범위, 구간,
    사이로, 사이에서
change: change, switch, set, replace, swap, adjust, modify, update, edit, tweak, change the, set
    the, switch to, change it to, 바꿔, 바꿔줘, 바꾸고, 바꿔서, 바꾸면, 바꿔주세요, 바꾼, 변경,
    변경해, 변경해줘, 변경하고, 변경해주세요, 교체, 교체해, 교체해줘, 수정해, 수정해줘, 수정하고,
    조정, 조정해줘, 바꾸, 바꿀, 맞춰, 맞춰줘, 설정, 설정해, 설정해줘, 설정하고, 설정해주세요
compare >=: at least, no less than, not less than, minimum of, or more, or better, or higher, or
    above, and above, greater than or equal to, not below, >=, ≥, no lower than, or greater, a
    minimum of, 이상, 최소, 최소한, 적어도, 보다 같거나 큰, 못해도, 넘겨야
compare >: more than, greater than, above, over, exceeds, exceed, exceeding, better than, higher
    than, beats, bigger than, >, 초과, 넘게, 넘으면, 넘는, 넘어야, 보다 높, 보다 커, 보다 크,
    보다 높게, 넘어, 넘기, 넘기고, 넘고, 넘도록, 넘겨, 초과해야, 넘을
compare <=: at most, no more than, not more than, maximum of, or less, or below, or lower, less
    than or equal to, up to a maximum of, <=, ≤, no higher than, not above, a maximum of, or
    fewer, capped at, cap, 이하, 최대, 최대한, 많아야, 기껏해야, 넘지 않, 넘지 않게
compare <: 밑, 밑으로, 아래, 아래로, 밑이면, less than, below, under, lower than, fewer than,
    smaller than, <, 미만, 보다 낮, 보다 작, 보다 적, 보다 낮게
within: within, at most for, max, no longer than, not longer than, limit, limited to, in under,
    stop after, finish in, must finish in, kill it after, 안에, 이내, 내로, 내에, 이내로, 이내에,
    안으로, 까지만, 제한, 넘기지 말고
plus: plus sign
on: on, using, use, with, for, via, over the, trained on, train on, against
train: train, training, trained, learn, run a training, experiment, experiments, spec, train a
    model, training run, retrain, trainer, build a model, spec for, specification, 학습, 훈련,
    트레이닝, 트레인, 실험, 스펙, 학습시켜, 훈련시켜, 학습하고, 학습해, 러닝, 명세, 명세서,
    실험해
register: 등재, 등재해, 등재해줘, 등재하고, 등재 요청, 신규 등록, 반입, 적재, register, register
    dataset, registering, 등록, 등록해, 등록해줘, 등록하고, 등록해주세요, 등록시켜
add: 신규, add, adding, create, import, new dataset, make a dataset, a new dataset, 추가, 추가해,
    추가해줘, 추가하고, 새 데이터셋, 새로운 데이터셋, 만들어, 생성, 들여와, 데이터셋 추가,
    추가해주세요
folder: 소재, 소재지, 저장 위치, folder, directory, dir, path, located at, located in, lives in,
    lies in, 폴더, 디렉토리, 디렉터리, 경로, 위치, 폴더를
export: export, exported, exporting, save as, also as, output format, convert to, 내보내,
    내보내기, 내보내줘, 익스포트, 변환, 추출, 내보내고, 저장, 저장해, 저장해줘, 뽑아
every: every, each, 마다, 매, 간격으로
the other: the rest, everything else, rest, all else, 나머지, 나머지는, 그 외, 다른 건, 그외,
    나머지 설정
yes: yes, yeah, yep, yup, ok, okay, sure, correct that, fine, right, please do, go ahead, sounds
    good, 네, 예, 응, 그래, 좋아, 좋아요, 맞아, 맞아요, 넵, 웅, 그렇게 해, 그걸로, 그거로, 그걸로
    해줘, 그렇게, 오케이, 콜, 예스
any: any, whichever, whatever, your choice, you choose, doesn't matter, up to you, dont care,
    don't care, no preference, 아무거나, 상관없어, 상관 없어, 알아서, 아무 거나, 적당히, 알아서
    해줘, 적당한
greet: hello, hi, hey, help, good morning, good afternoon, good evening, how does this work, what
    can you do, howdy, greetings, who are you, what can i do, how do i start, how do i use this,
    what is this, help me, 안녕, 안녕하세요, 도와줘, 도와주세요, 도움말, 하이, 반가워,
    반갑습니다, 뭐 할 수 있어, 무엇을 할 수 있, 뭘 할 수 있, 사용법, 어떻게 써, 어떻게 사용,
    헬프, 도움, 뭐 해줄 수 있, 뭐하는
first: first, 1st, 첫, 첫 번째, 첫번째, 첫째, 처음 거, 첫 번째 거, 첫 거, 처음 것, 맨 위
second: 2nd, the second, second one, 두 번째, 두번째, 둘째, 두 번째 거
third one: 3rd, the third one, third one, 세 번째, 세번째, 셋째
fourth: fourth, 4th, the fourth, 네 번째, 네번째, 넷째
fifth: fifth, 5th, the fifth, 다섯 번째, 다섯번째, 다섯째
last: the last one, the last, last one, 마지막, 마지막 거, 맨 끝, 마지막 것, 맨 아래
former: former, the former, 전자
latter: latter, the latter, 후자
ordinal: 번째, 번 선택, 번 거, 번으로, 번이요
"""
"""Function words; a key is what the grammar knows them by."""

PARTICLES: Final = """
엔 에게선 으로 로 은 는 이 가 을 를 에 에서 의 와 과 랑 이랑 하고 도 만 부터 까지 보다 이나 나 요
이요
    입니다 이에요 예요 에요 야 이야 인
이고 고 으로만 에는 에선 에서는 에서만 에서도 으로는 로는 로만 으로도 로도 만큼 씩 들 들을 들로
    들은 들이 들만 정도 정도로 정도만 쯤 쯤으로 가량 짜리
짜리로 이라 라 이며 며 이면 면 인데 인가 인지 네 이네 한테 에게 께 께서 마다 밖에 뿐 이든 든 든지
    이라도 라도 조차 커녕 님 값
값은 값을 값으로 수 수는 수를 수도 용 용으로 해 해줘 해주세요 해줘요 해요 합니다 할게 할게요 할래
    할래요 하자 하게 하도록 하면 하면서 해서 했으면 했던 한 할 함 하는
하기 하여 하고서 하되 되게 되는 된 될 되도록 됐 됩니다 되어 돼 시켜 시켜줘 시켜주세요 시키고 시킬
    시키는 시켜서 주세요 줘 줘요 줘봐 줄래 줄래요 주시겠어요 주실래요
줄 주면 줘라 주라 주십시오 주시고 주시면 주고 다 까 까요 죠 지 지요 네요 는데 은데 ㄴ데 구요 고요
    라고 이라고 라는 이라는 란 이란 처럼은 거 걸 걸로 것 것을 것으로
건 게 게요 거야 거예요 걸로요 써 써줘 써서 쓰고 쓸 쓰는 써라 쓰자 써주세요 쓸게 쓸게요 쓰면 돌려
    돌려줘 돌려서 돌려주세요 돌리고 돌릴 돌려봐 돌리자 돌리는 만 을만 은요 는요 만요 로요 으로요
으로해 로해 으로해줘 로해줘 로부터 으로부터 였 이었 였으면 이었으면 으면 씩만 이상만 싶어 싶어요
    싶은데 싶습니다 싶다 싶은 가지고 갖고 이용해 이용해서 이용하여 이용 사용해 사용해서 사용하여
    사용하고
사용해줘 사용 사용하는 사용할 통해 통해서 대로 대해 대해서 관련 위한 위해 위해서 위주로 으루 루
    로다 으로다 로다가 으로다가 이라서 라서 라며 라면 해봐 해 봐 해보자 해보고 해볼 봐 보고 보자
    볼래 볼까
"""
"""Endings of Korean words: what they tie together follows from where they stand."""

FILLER: Final = """
오분류, 오탐지, 오검출, 오탐, 미탐, 과검출, 삭제하지 말고, 지우지 말고, 건드리지 말고, 지우지는
말고, 삭제하지는 말고, 삭제하지 마, 지우지
    마, 싹, 싹 다, 몽땅, 아예, 완전히, 깡그리, 통째로, 전혀, 절대, 이렇게, 그렇게, 저렇게,
    요렇게, part of it, parts of it, part, the part, park, nvidia, 엔비디아, finishing, finishes,
    rented, spare, mediocre, wonderful, because of, thus, hence, unless, perfect, cool, awesome,
    gpus available, 맞춰서, 맞추고, 맞춰, 맞추, 균형, 진단, 판단, 끝나게, 끝내줘, 끝내, 끝나도록,
    끝내고, 필요하고, 해보려고, 해볼까, 어떨까, 어때, 알려, 가벼운 걸로, 무난하다고, 괜찮,
    괜찮을, 괜찮은, 좋다고, 좋다, 정리돼, somewhere, over, whole, goes, going, went, takes,
    taken, use of, maximum, minimum, epoch wise, isn, doesn, isn't, doesn't, won't, must, has to,
    have to, having to, fails, fail, failed, count as, counts as, counts, consider, considered,
    treat, accepted, accept, acceptable, passes, passed, sure, sure that, certain, course, of
    course, idea, decide, you decide, many thanks, advance, in advance, due, given, give, gives,
    makes, making, made, using the, used, uses, inside, outside, among, across, each of, both of,
    own data, myself, yourself, people say, hear, heard, read that, paper, article, demo, client,
    customer wants, manager, professor, lab, intern, student, thesis, course work, class project,
    laptop, 통과, 통과해야, 통과시켜, 통과하게, 합격, 불합격, 실패, 실패로, 되어야, 돼야, 넘어야,
    나와야, 이어야, 어야, 여야, 해야, 해야 해, 해야 돼, 해야 하는데, 되면, 안 되면, 지나면,
    생각해, 봤는데, 싶네, 싶네요, 그걸로, 이걸로, 저걸로, 거기에, 여기에, 아 맞다, 맞다, 논문,
    논문에서, 선배가, 사수가, 박사님, 과장님, 부장님, 대표님, 사장님, 고객사, 납품, 마감, 발표,
    데모, 보고서, 보고, 랩실, 연구실, 연구, 논문용, 졸업, 졸업작품,
그에 맞게, 그에 맞춰, 거기에 맞게, 거기에 맞춰, 이에 맞게, accordingly, slightly, 너무, 해보, 쓰되,
please, pls, plz, kindly, thanks, thank you, thx, the, a, an, of, and, is, are, be, it, its,
    this, that, these, those, i, me, my, we, us, our, you, your, want, want to, would, like to,
    i'd, i'd like, id like, i would like, would like, i want, can you, could you, can, could,
    should, shall, will, would you, need, need to, i need, let, lets, let's, let us, give me,
    get, get me, make, do, does, did, go, have, has, having, had, there, here, so, also, too, as
    well, well, um, uh, hmm, maybe, perhaps, probably, about, around, roughly, approximately,
    approx, some, something, very, quite, really, basically, simply, just simply, try, with a,
    for a, in, at, as, then, but, or, by the way, btw, which, what, how, who, where, when, why,
    if, because, since, than, all, total, in total, overall, value, values, equal, equals, equal
    to, each one, size, sized, rate, number, amount, count, long, today, now, tomorrow, tonight,
    yesterday, good, nice, great, best, new, old, first try, quick, quickly, fast, small test,
    test run, my own, own, existing, same, time, times over, keep, leave, keep the, keep it,
    stay, draft, write, write a spec, write me, prepare, create a spec, set up, setup, start,
    begin, do it, run it, get going, per, out, off, kinds of, set of, bunch of, lot of, such,
    etc, and so on, thing, stuff, settings, setting, config, configuration, hyperparameters,
    parameter, parameters, params, hyperparameter, option, options, job, task of, able to, from
    pictures, them, they, their, he, she, his, him, her, am, was, were, been, being, everything,
    version, one of, i think, think, guess, i guess, suppose, believe, hopefully, hope, okay so,
    know, see, look, looks, say, says, show, boss, team, colleague, colleagues, says that, told,
    asked, wants, said, friend, project, meeting, week, month, year, day by day, anyway, yeah so,
    alright, actually use, instead, still, already, again, gonna, wanna, got, gotta, put, place,
    any of, many, much, few, several, other, others, another, different, both, either, use case,
    image, images, photo, photos, picture, pictures, pic, pics, animal, animals, object, objects,
    vehicle, vehicles, result, results, performance, computer vision, vision, deep learning,
    machine learning, ai, ml, cv, machine, server, cluster, box, card, cards, gpu machine,
    enough, possible, if possible, as possible, s, t, re, ve, ll, m, d, let me, ill, i'll, i'm,
    im, well then, over, through, during, while, after, before, end, ending, based, type, types,
    kind, kinds, one, ones, sort of, kind of, kinda, final, finish, finished, done, ready,
    better, worse, works, work, working, every time, ever, even, though, although, however,
    whether, anything, nothing, someone, only use, come, came, back, down the line, right now,
    asap, soon, later, next, step by step, total of, strategy, policy, method, approach,
    technique, mode, preset, level, style, format, file, files, 음, 어, 그, 저, 그냥, 좀, 조금,
    한번, 한 번, 일단, 우선, 혹시, 제발, 부탁, 부탁해, 부탁해요, 부탁드려요, 부탁드립니다, 부탁
    드립니다, 감사합니다, 감사, 고마워, 고마워요, 고맙습니다, 그리고, 그런데, 근데, 그래서,
    그러면, 그럼, 그러니까, 또, 또는, 혹은, 및, 이제, 지금, 오늘, 내일, 어제, 당장, 빨리, 얼른,
    빠르게, 간단히, 간단하게, 간단한, 제가, 내가, 나는, 저는, 우리, 저희, 우리가, 제, 내, 이거,
    그거, 저거, 이건, 그건, 이번, 이번엔, 이번에는, 이번에, 다음, 전에, 아까, 아까처럼, 정말,
    진짜, 아주, 매우, 약간, 대충, 대략, 약, 한, 정도, 쯤, 가량, 총, 전체, 전부, 모두, 다, 만들,
    만들고, 만들고 싶어, 만들고 싶어요, 만들고 싶은데, 만들어 줘, 만들어줘, 만들어주세요, 만들어
    주세요, 만드는, 만들자, 만들기, 만들려고, 돌리, 돌려, 돌리고, 돌려줘, 돌려 줘, 돌리고 싶어,
    해줘, 해 줘, 해주세요, 해 주세요, 하고, 하고 싶어, 하고 싶어요, 하고 싶은데, 하고싶어, 하고
    싶습니다, 하자, 할래, 할게, 하려고, 하려고요, 하려는데, 하려고 해, 하려고 하는데, 하는, 해서,
    합니다, 해보자, 해볼래, 해보고 싶어, 해봐, 해, 할, 한다, 한다면, 했으면, 했으면 해, 했으면
    좋겠어, 했으면 좋겠어요, 좋겠어, 좋겠어요, 좋겠습니다, 좋을, 좋은, 좋을 것 같아, 같아,
    같아요, 것 같아, 것 같아요, 원해, 원해요, 원합니다, 바라, 싶어, 싶어요, 싶은데, 싶습니다,
    주세요, 줘, 줄래, 주라, 가능, 가능할까, 가능할까요, 가능한, 가능하면, 되나요, 될까요, 될까,
    돼, 되는, 된, 필요, 필요해, 필요해요, 필요합니다, 있어, 있는, 있어요, 있습니다, 있으면, 있음,
    있고, 있는데, 쓰고, 써줘, 써, 쓸, 써서, 쓰는, 쓰면, 사용, 사용해, 사용해서, 사용하고,
    사용해줘, 이용, 이용해, 이용해서, 활용, 활용해서, 활용해, 적용, 적용해, 적용해줘, 적용하고,
    진행, 진행해, 진행해줘, 진행하고, 시작, 시작해, 시작해줘, 시작하는, 시작하고, 짜줘, 짜 줘,
    작성, 작성해줘, 준비, 준비해줘, 잡아, 잡아줘, 잡고, 두고, 둬, 둘, 놔, 놓고, 주고, 넣어,
    넣어줘, 넣고, 넣은, 켜, 켜줘, 켜고, 켠, 달아, 달아줘, 걸어, 걸어줘, 걸고, 가자, 갈게, 가고,
    가줘, 팀장님, 교수님, 선배, 후배, 동료, 회사, 회의, 과제로, 프로젝트, 지난번, 지난주, 다음주,
    이미지, 사진, 그림, 영상, 동물, 사물, 물체, 객체, 값, 값은, 수, 개수, 크기, 사이즈, 비율,
    정도로, 같은 거, 같은거, 거, 것, 걸, 건, 게, 들, 등, 등등, 관련, 대한, 대해, 위한, 위해,
    통해, 따라, 이런, 그런, 저런, 어떤, 무슨, 어떻게, 뭐, 뭘, 뭔가, 왜, 얼마나, 누가, 어디, 언제,
    여기, 거기, 저기, 알겠지, 알겠어, 알지, 잘, 못, 꼭, 반드시, 되도록, 최대한 빨리, 방식, 방법,
    기법, 전략, 스타일, 옵션, 파라미터, 하이퍼파라미터, 결과, 성능, 목표, 목적, 테스트, 시험,
    시험삼아, 검증, 기존, 새, 새로, 새로운, 원래, 역시, 물론, 아마, 만약, 만일, 경우, 때, 동안,
    후, 전, 중, 내용, 상태, 부분, 쪽, 편, 식, 딥러닝, 머신러닝, 인공지능, 컴퓨터 비전, 비전,
    서버, 클러스터, 장비, 컴퓨터, 기계, 않게, 모르겠, 모르겠지만, 모르지만, 생각, 생각해, 생각
    중, 저장소, 있잖아, 말이야, 말인데, 그게, 이게, 뭐냐면, 뭐랄까, 아 그리고, 아, 오, 와, 아하,
    헐, 자, 봐, 볼까, 보자, 봅시다, 하나, 하나만, 개, 번, 로, 으로, 은, 는, 이, 가, 을, 를, 에,
    의, 도, 씩, 매번, 계속, 길게, 짧게, 오래, 크게, 작게, 그만, 충분히, 넉넉히, 넉넉하게, 강도,
    수준, 단계, 형식, 포맷, 파일, 방향, 함께, 같이 써, 포함, 포함해, 포함해서, 지정, 지정해,
    지정해줘, 주어진, 나온, 나오는, 나오게, 나오면, 보고, 본, 보는, 볼, 이랑, 랑, 하고요, 인데,
    인데요, 이요, 요, 네요, 만, 그것, 이것, 저것, 여러, 여러 개, 각각, 각, 모든, 아무, 학생,
    후에, 뒤에, 먼저, 나중에, 제일, 제일 정확한,
    가장 정확한, 정확한, 마지막으로, 끝으로, 추가로, 아울러, 참고로, 결국, 사실, 솔직히,
    아무튼, 어쨌든, 여튼, 암튼, ㅋㅋ, ㅋㅋㅋ, ㅎㅎ, ㅠㅠ, ㅜㅜ, ㅇㅇ, 님, 씨
"""
"""Words that say nothing about a spec."""
