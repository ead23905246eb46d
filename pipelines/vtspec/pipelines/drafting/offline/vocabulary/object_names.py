"""Things that pictures show: English words, with what else they are called in both languages."""

from typing import Final

NOUNS: Final = """
cat: 캣츠, 고양이들, cats, kitten, kittens, kitty, feline, felines, 고양이, 냥이, 야옹이, 고냥이,
    캣
dog: dogs, puppy, puppies, canine, 개사진, 강아지, 멍멍이, 댕댕이, 견종
flower: 플라워즈, flowers, blossom, blossoms, bloom, blooms, 꽃, 꽃들, 화초, 플라워
rose: roses, 장미, 장미꽃
tulip: tulips, 튤립, 튜울립
daisy: daisies, 데이지
dandelion: dandelions, 민들레
sunflower: sunflowers, 해바라기
digit: 디지츠, 디짓츠, 디지트, digits, numeral, numerals, handwritten digits, handwritten
    numbers, 숫자, 손글씨, 손글씨 숫자, 필기 숫자, 손으로 쓴 숫자, 디짓
letter: letters, alphabet, alphabets, 알파벳
road: roads, 도로, 차도, 로드, 길바닥
street: streets, street scenes, street scene, streetscape, 거리, 길거리, 시가지, 도심, 스트리트,
    거리 장면
sidewalk: sidewalks, pavement, 인도, 보도, 보행로
sky: skies, 하늘
receipt: 리시트, receipts, 영수증, 계산서
invoice: invoices, bill, bills, 송장, 청구서
document: documents, paper, papers, 문서, 서류
ship: 쉽스, 배 사진, 배들, ships, boat, boats, vessel, vessels, 선박, 배들, 보트
dock: docks, pier, piers, 부두, 선착장
harbour: harbours, harbor, harbors, port, ports, 항구, 항만
helmet: helmets, hard hat, hard hats, hardhat, hardhats, safety helmet, safety helmets, 헬멧,
    안전모, 헬맷, 안전 헬멧, 하드햇
no-helmet: 안전모 안 쓴 사람, 안전모를 안 쓴 사람, 안전모 안 쓴, 안전모를 안 쓴, 안전모 없는,
    안전모 없는 사람, 안전모 미착용자, 안전모를 쓰지 않은, 안전모 쓰지 않은, 헬멧 안 쓴 사람, 헬멧
    안 쓴, 헬멧을 안 쓴, 헬멧 없는, 헬멧 없는 사람, 노 헬멧, without a helmet, people without
    helmets, workers without helmets, no-helmets, bareheaded, bare headed, no helmet, no helmets,
    without helmet, without helmets, bare head, 안전모 미착용, 헬멧 미착용, 미착용, 노헬멧
worker in a place: construction workers, building workers, construction site, construction sites,
    building site, building sites, 작업자들, 공사장, 공사 현장, 건설 현장, 건설현장, 공사현장
parts: 파츠, component, 파츠, components, machine parts, machine part, 부품, 부속, 기계 부품,
    부품들, 컴포넌트
bolt: bolts, 볼트
screw: screws, 나사
nut: nuts, 너트
washer: washers, 와셔
chest: chests, 흉부, 가슴
xray: x ray, x rays, xrays, radiograph, radiographs, 엑스레이, x레이, 엑스선, x선, 방사선, 방사선
    사진
chest xray: chest x rays, chest xrays, chest radiograph, chest radiographs, 흉부 엑스레이, 흉부
    x레이, 흉부 x선, 흉부 엑스선, 가슴 엑스레이, 가슴 사진, 흉부 사진, 흉부 촬영, 폐 사진, 폐
    엑스레이, lung x ray, lung x rays, lung scans, 흉부 x ray, 흉부 xray
pneumonia: 폐렴
person: persons, people, human, humans, pedestrian, pedestrians, man, men, woman, women, 사람,
    인간, 보행자, 행인, 인물, 사람들
athlete: 애슬릿, 애슬리트, athletes, sportsman, sportsmen, sportspeople, player, players, 선수,
    운동선수, 운동 선수, 스포츠 선수, 선수들, 체육인
sport: sports, 스포츠, 운동 경기
bicycle: bicycles, bike, bikes, cycle, cycles, 자전거, 바이크
car: 차, cars, automobile, automobiles, auto mobile, 자동차, 차량, 승용차, 차들
bus: buses, busses, 버스
truck: trucks, lorry, lorries, 트럭, 화물차
traffic-light: traffic light, traffic lights, stoplight, stoplights, traffic signal, traffic
    signals, 신호등, 교통 신호등, 교통신호
motorcycle: motorcycles, motorbike, motorbikes, 오토바이, 이륜차
room: rooms, indoor, indoors, interior, interiors, 실내, 방들, 룸, 방 사진, 방안
distance: distances
chart: charts, graph, graphs, plot, plots, diagram, diagrams, 차트, 그래프, 도표
support chat: support chats, customer support, customer service, support dialogue, support
    dialogues, 고객 상담, 상담, 고객 지원, 고객 문의, 상담 채팅, 고객센터, 상담 대화, 지원 채팅,
    서포트 채팅, 고객응대, 고객 응대
customer: customers, 고객
tag: tags, 태그
photo tag: photo tags, tagged photos, photo tagging, holiday photos, vacation photos, 사진 태그,
    휴가 사진, 여행 사진, 포토 태그, 태그 사진
beach: beaches, seaside, 해변, 바닷가
food: foods, meal, meals, 음식, 먹거리
night: nights, nighttime, 밤, 야간
pets: pet, 반려동물, 애완동물
snow: snowy, 눈밭
photo small and large: photos x4, photos 4x, 사진 x4, photos times four, 4배 사진, 사진 4배, 4배
    확대 사진, small and large photos
korean caption: korean captions, captions ko, captions korean, korean sentences, 한국어 캡션,
    한글 캡션, 한국어 설명, 한국어 문장, 한국어 이미지 설명
caption: captions
siamese: 샴, 샴고양이, 샴 고양이, 샤미즈
persian: 페르시안, 페르시아, 페르시안 고양이, 페르시아 고양이
bengal: 벵갈, 벵골, 뱅갈, 벵갈 고양이
normal: 정상
bird: birds, 새들, 조류, 새 사진
sparrow: sparrows, 참새
crow: crows, 까마귀
pigeon: pigeons, dove, doves, 비둘기
eagle: eagles, 독수리
duck: ducks, 오리
chicken: chickens, hen, hens, 닭
horse: horses, 말 사진, 망아지
cow: cows, cattle, 소 사진, 젖소
pig: pigs, 돼지
sheep: 양 사진, 양떼
goat: goats, 염소
elephant: elephants, 코끼리
bear: bears, 곰
tiger: tigers, 호랑이
zebra: zebras, 얼룩말
giraffe: giraffes, 기린
monkey: monkeys, 원숭이
rabbit: rabbits, bunny, bunnies, 토끼
mouse animal: 생쥐
snake: snakes, 뱀
turtle: turtles, 거북이, 거북
frog: frogs, 개구리
fish: fishes, 물고기, 생선
insect: insects, bug, bugs, 곤충, 벌레
butterfly: butterflies, 나비
bee: bees, 꿀벌
spider: spiders, 거미
tree: trees, 나무, 수목
leaf: leaves, 나뭇잎, 잎사귀
fruit: fruits, 과일
apple: apples, 사과
banana: bananas, 바나나
orange: oranges, 오렌지
strawberry: strawberries, 딸기
tomato: tomatoes, 토마토
vegetable: vegetables, 채소, 야채
pizza: pizzas, 피자
cake: cakes, 케이크
bread: breads, 빵
coffee: 커피
bottle: bottles, 병뚜껑, 유리병, 페트병
cup: cups, 컵
chair: chairs, 의자
sofa: sofas, couch, 소파
desk: desks, 책상
bed: beds, 침대
book: books, 책들, 도서
phone: phones, smartphone, smartphones, 휴대폰, 스마트폰, 핸드폰
laptop: laptops, 노트북
keyboard: keyboards, 키보드
shoe: shoes, 신발, 운동화
clothes: clothing, garment, garments, fashion, 옷, 의류, 패션
bag: bags, handbag, handbags, 가방, 핸드백
hat: hats, 모자
glove: gloves, 장갑
mask worn: face masks, face mask, 마스크 착용
face: faces, 얼굴
hand: hands, 손동작
eye: eyes, 눈동자
tooth: teeth, 치아
brain: brains, brain mri, 뇌, 뇌종양
lung: lungs, 폐, 허파
skin: 피부
tumor: tumors, tumour, tumours, cancer, cancers, 종양, 암세포
cell: cells, 세포
defect: defects, 불량, 결함, 불량품
crack: cracks, 균열, 크랙
scratch mark: scratches, 스크래치 결함
airplane: airplanes, aeroplane, plane, planes, aircraft, 비행기, 항공기
drone: drones, 드론
train vehicle: trains, 기차, 열차
satellite: satellites, 위성, 인공위성, 위성 사진
building: buildings, 건물, 빌딩
house: houses, 주택
bridge: bridges, 교량
mountain: mountains, 산악
river: rivers, 강물
sea: ocean, 바다
forest: forests, 숲, 산림
field crop: crops, 농작물, 작물
grass: 잔디, 풀밭
cloud: clouds, 구름
fire: fires, flame, flames, 화재, 불꽃
smoke: 연기
rain: 빗물
trash: garbage, waste, 쓰레기
sign: signs, traffic sign, traffic signs, 표지판, 교통 표지판
license plate: license plates, number plate, number plates, 번호판
lane: lanes, 차선
wheel: wheels, tire, tires, 바퀴, 타이어
weapon: weapons, gun, guns, knife, knives, 무기, 총기, 칼
logo: logos, 로고
money: coin, coins, banknote, banknotes, 동전, 지폐
map paper: 지도
toy thing: toys, 장난감
ball: balls, 축구공, 농구공
sphinx: 스핑크스
ragdoll: 랙돌
lily: lilies, 백합
orchid: orchids, 난초
lavender: 라벤더
covid: covid-19, corona, 코로나
tuberculosis: 결핵
sphynx: 스핑스
van: vans, 승합차
taxi: taxis, 택시
scooter: scooters, 스쿠터, 킥보드
rider: riders, 라이더
wall: walls, 벽
"""
"""Nouns; a key's first words are what is looked for in names, classes and descriptions."""

GENERIC: Final = """
photo picture image images photos pictures pic pics animal animals thing things object objects
    item
items scene scenes plant plants vehicle vehicles breed breeds kind kinds type types species
    sample
samples pixel pixels 사진 이미지 그림 영상 동물 사물 물체 객체 식물 품종 종류 화소 픽셀 탈것
    이미지들 사진들 장면
"""
"""Nouns that name no dataset: nearly every one has them."""
