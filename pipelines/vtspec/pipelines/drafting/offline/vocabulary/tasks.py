"""Tasks by their names; a line's keys are the tasks that a word may mean, the likeliest first."""

from typing import Final

TASKS: Final = """
image-classification: image classification, picture classification, photo classification, 이미지
    분류, 영상 분류, 사진 분류, 그림 분류, 단일 라벨 분류, single label, single label
    classification
image-classification multilabel-classification: classification, classify, classifies,
    classifying, classifier, classified, categorize, categorise, categorization, recognize,
    recognise, tell apart, distinguish, 분류, 분류기, 분류 모델, 구분, 구별, 판별, 판별기, 식별,
    클래시피케이션, 분류하는, 클래시파이어
multilabel-classification: multilabel, multi label, multilabel classification, multi label
    classification, tagging, tagger, several labels, multiple labels, several tags, image
    tagging, auto tagging, tag images, tag photos, 다중 라벨, 다중 레이블, 멀티 라벨, 멀티라벨,
    멀티 레이블, 다중 라벨 분류, 다중 레이블 분류, 멀티라벨 분류, 멀티 레이블 분류, 태깅, 태그
    달기, 태그 붙이기, 여러 라벨, 여러 태그, 태그 예측, 다중라벨분류
object-detection: object detection, object detector, detect objects, objects detection, bounding
    box, bounding boxes, bbox, bboxes, object recognition, 객체 탐지, 객체 검출, 객체 인식, 물체
    탐지, 물체 검출, 물체 인식, 오브젝트 디텍션, 바운딩 박스, 객체 감지, 물체 감지, 사물 탐지,
    개체 탐지, 개체 검출, 오브젝트 탐지
object-detection oriented-detection: detection, detect, detects, detecting, detector, detections,
    find, finding, spot, locate, 탐지, 검출, 감지, 디텍션, 탐지기, 검출기, 찾는, 찾아내는, 찾기,
    찾아내기, 디텍터, 디텍트
oriented-detection: oriented detection, oriented object detection, rotated boxes, rotated box,
    rotated detection, oriented boxes, turned boxes, oriented bounding boxes, oriented bounding
    box, obb, rotated bounding boxes, rotated object detection, 회전 박스, 회전 탐지, 회전 객체
    탐지, 회전 검출, 회전 객체 검출, 방향성 탐지, 기울어진 박스, 회전된 박스, 방향 객체 탐지,
    회전 바운딩 박스, 기울어진 상자, 회전된 객체 탐지, 방향성 객체 탐지, 방향 탐지, 회전 물체
    탐지
instance-segmentation: instance segmentation, instance seg, instance masks, segment each object,
    segment instances, per object masks, outlines of each, object outlines, 인스턴스 분할,
    인스턴스 세그멘테이션, 객체 분할, 개체 분할, 인스턴스 세그, 인스턴스 마스크, 인스턴스 단위
    분할, 객체별 분할
semantic-segmentation: semantic segmentation, semantic seg, per pixel classes, pixel
    classification, pixel wise classification, class per pixel, label every pixel, label each
    pixel, pixel labeling, 의미 분할, 시맨틱 분할, 시멘틱 분할, 의미론적 분할, 시맨틱
    세그멘테이션, 시멘틱 세그멘테이션, 픽셀 분류, 픽셀 단위 분류, 화소 분류, 시맨틱 세그, 의미적
    분할, 픽셀별 분류
semantic-segmentation instance-segmentation: segmentation, segment, segmenting, segmenter,
    segmentor, 분할, 세그멘테이션, 세그, 영상 분할, 이미지 분할, 세그먼테이션
pose-estimation: pose estimation, pose, poses, keypoints, keypoint detection, keypoint, human
    pose, skeleton, body joints, key points, joint positions, 자세 추정, 포즈 추정, 포즈,
    키포인트, 관절, 자세, 골격, 자세 인식, 키포인트 탐지, 관절 추정, 포즈 에스티메이션, 스켈레톤,
    키포인트 검출, 동작 추정
super-resolution: 확대, 사진 확대, 이미지 확대, 4배 확대, super resolution, superresolution, sr,
    upscale, upscaling, upscaler, enhance resolution, increase resolution, sharper images,
    enlarge, 초해상도, 초해상화, 슈퍼 레졸루션, 수퍼 레졸루션, 업스케일, 업스케일링, 고해상도화,
    해상도 향상, 해상도 높이기, 화질 개선, 초고해상도, 해상도 복원, 고화질
depth-estimation: depth estimation, depth, monocular depth, depth map, depth maps, depth
    prediction, estimate depth, predict depth, distance estimation, 깊이 추정, 깊이, 심도 추정,
    거리 추정, 깊이 예측, 뎁스, 뎁스 추정, 단안 깊이 추정, 심도, 깊이맵, 깊이 맵
ocr: ocr, text recognition, optical character recognition, read text, read the text, reading
    text, character recognition, text reading, transcribe, read receipts, 문자 인식, 글자 인식,
    텍스트 인식, 글씨 인식, 글자 읽기, 광학 문자 인식, 글자 판독, 오씨알, 문자 판독, 텍스트 읽기,
    글자를 읽는, 글자 읽는, 글씨 읽는, 텍스트 추출, 글자 추출, 문자 추출
image-captioning: image captioning, captioning, caption, image caption, caption images, describe
    images, describe pictures, describe photos, write captions, image description, captioner,
    generate captions, 이미지 캡셔닝, 캡셔닝, 캡션, 이미지 설명, 캡션 생성, 사진 설명, 그림 설명,
    이미지 캡션, 설명문 생성, 이미지 설명 생성, 문장으로 설명, 캡션 달기, 설명 문장
visual-question-answering: visual question answering, vqa, question answering, answer questions,
    questions about images, answering questions, visual qa, image question answering, questions
    about pictures, answer questions about, qa, 시각 질의응답, 시각적 질의응답, 질의응답, 질의
    응답, 이미지 질의응답, 비주얼 질의응답, 브이큐에이, 질문 답변, 질문에 답, 그림 질문, 시각
    질의 응답, 질문에 답하는, 질문응답
text-generation: text generation, language model, chatbot, chat bot, llm, generate text, language
    modeling, language modelling, chat model, instruction tuning, causal lm, text generator,
    dialogue, chatting, 텍스트 생성, 문장 생성, 언어 모델, 챗봇, 글 생성, 대화 모델, 언어모델,
    엘엘엠, 글쓰기, 문서 생성, 대화형, 답변 생성, 대화 생성, 상담 봇, 상담봇
"""
"""What a word says of the task."""

TITLES: Final = {
    "image-classification": "이미지 분류",
    "multilabel-classification": "다중 라벨 분류",
    "object-detection": "객체 탐지",
    "oriented-detection": "회전 객체 탐지",
    "instance-segmentation": "인스턴스 분할",
    "semantic-segmentation": "의미 분할",
    "pose-estimation": "자세 추정",
    "super-resolution": "초해상도",
    "depth-estimation": "깊이 추정",
    "ocr": "문자 인식",
    "image-captioning": "이미지 캡셔닝",
    "visual-question-answering": "시각 질의응답",
    "text-generation": "텍스트 생성",
}
"""A task as a Korean sentence names it."""

FORMATS: Final = """
imagefolder: imagefolder, image folder, folder per class, folders per class, 이미지 폴더,
    이미지폴더, 클래스별 폴더, 폴더별
csv: csv, 씨에스브이
coco: coco, coco format, ms coco, 코코
yolo: yolo format, yolo labels, yolo txt, yolo 형식, yolo 포맷, 욜로 형식, 욜로 포맷
voc: voc, pascal voc, pascal, 파스칼
masks: masks, mask images, mask pngs, 마스크
pairs: pairs, image pairs, paired, 이미지 쌍, 쌍, 페어
jsonl: jsonl, json lines, jsonlines
"""
"""Formats of a dataset, by every name for them."""
