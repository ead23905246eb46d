"""Names of the fields of an Experiment, and of what one says of them."""

from typing import Final

FIELDS: Final = """
training.epochs: epochs, epoch, ep, number of epochs, num epochs, epoch count, 에폭, 에포크,
    에폭스, 이포크, 에폭 수, 에포크 수, epoch 수, epochs 수, 학습 횟수, 반복 횟수, 에폭 횟수,
    passes
training.batchSize: batch size, batch, batches, bs, mini batch, mini batch size, batch sz, images
    per batch, 배치 사이즈, 배치 크기, 배치, 뱃치, 뱃치 사이즈, 베치, 미니 배치, batch 크기,
    batch 사이즈
training.learningRate: learning rate, lr, learn rate, learningrate, base lr, peak lr, peak
    learning rate, initial learning rate, lr0, start lr, starting lr, starting learning rate,
    initial lr, max lr, maximum learning rate, 학습률, 학습율, 러닝 레이트, 러닝 레잇, 초기 학습률,
    엘알
training.imageSize: crop, crops of, cropped to, input crop, 크롭, image size, images at, images
    sized, images of size, image side, resize to, resized to, resize, resized, input at, inputs
    at, input images, 이미지는, 이미지를, 이미지 한 변, 한 변, 리사이즈, 리사이징, 인풋, 입력은,
    입력을, 입력, 입력 이미지는, 이미지 사이즈는, img size, imgsz, resolution, input size, input
    resolution, image resolution, picture size, crop size, image width, 이미지 크기, 이미지
    사이즈, 이미지 해상도, 해상도, 입력 크기, 입력 해상도, 입력 사이즈, 인풋 사이즈, 인풋 크기,
    입력 이미지 크기, 사진 크기, size of images, 영상 크기
training.seed: sed, seed, seeds, random state, 난수 씨앗, 난수 초깃값, 난수 초기값, 초깃값, 씨앗,
    씨앗값, 난수, 난수값, random seed, rng seed, 시드, 랜덤 시드, 난수 시드, 시드값, 시드 값
training.optimizer: opt, optimizer, optimiser, optim, 옵티마이저, 옵티마이져, 최적화 기법, 최적화
    알고리즘, 옵티
training.momentum: mom, momentum, 모멘텀, 모멘트
decay: decay, 디케이, 감쇠, 감쇠율, 감쇄
training.weightDecay: weight decay, wd, l2 regularization, l2 regularisation, weightdecay, 가중치
    감쇠, 웨이트 디케이, 가중치 감소, 웨이트디케이, l2 정규화
training.scheduler: scheduler, schedule, lr schedule, lr scheduler, learning rate schedule,
    learning rate scheduler, 스케줄러, 스케쥴러, 스케줄, 스케쥴, 학습률 스케줄, 학습률 스케줄러,
    학습률 스케쥴러
training.minLearningRate: 마지막 학습률, 끝 학습률, 종료 학습률, eta min, lr min, lr floor,
    learning rate floor, floor of the learning rate, ending learning rate, last learning rate, min
    learning rate, minimum learning rate, min lr, minimum lr, final learning rate, final lr,
    lowest learning rate, end lr, 최소 학습률, 최저 학습률, 최종 학습률, 학습률 하한, 최소 러닝
    레이트, 최소 lr
training.warmupEpochs: warmup, warm up, warmup epochs, warm up epochs, lr warmup, linear warmup,
    웜업, 워밍업, 웜 업, 워밍 업, 웜업 에폭, 워밍업 에폭, warmup 에폭, 예열
training.gradientAccumulation: 누적, ga, grad acc, grad accumulate, gradient accumulation, grad
    accumulation, grad accum, gradient accum, accumulation steps, gradient accumulation steps,
    accumulate gradients, accumulate gradients over, accumulate, accumulation, 그래디언트 누적,
    기울기 누적, 그라디언트 누적, 그래디언트 어큐뮬레이션, 경사 누적, 그레디언트 누적
training.gradientClipping: gradient clipping, grad clipping, grad clip, gradient clip, clip
    gradients, clip gradients at, clip grad, clipping, max grad norm, 그래디언트 클리핑, 기울기
    클리핑, 그라디언트 클리핑, 그레디언트 클리핑, 클리핑, 기울기 자르기
training.ema.decay: ema decay, ema 감쇠, ema 디케이
training.labelSmoothing: ls, label smoothing, smoothing, smooth labels, smooth the labels, 라벨
    스무딩, 레이블 스무딩, 스무딩
training.augmentation: augmentation, augmentations, data augmentation, aug, augment, augs,
    augmenting, 증강, 데이터 증강, 이미지 증강, 어그멘테이션, 어그먼테이션, 오그멘테이션, 데이터
    어그멘테이션
training.precision: numeric precision, training precision, mixed precision, 연산 정밀도, 수치
    정밀도, 학습 정밀도
training.freeze: freeze, freezing, frozen, freeze the, 고정, 동결, 프리즈, 얼려, 얼리고, 얼린
training.earlyStopping.patience: patience, early stopping patience, early stop patience, patience
    of, 페이션스, 인내심, 참을성, 조기 종료 인내, 조기 종료 patience
training.earlyStopping.minDelta: min delta, minimum delta, minimum improvement, 최소 개선, 최소
    변화, 최소 델타
training.checkpoint.every: checkpoint every, checkpoints every, save every, save a checkpoint
    every, save checkpoints every, keep every, checkpoint interval, save interval, 체크포인트,
    체크포인트 간격, 체크포인트 주기, 저장 주기, 저장 간격
training.checkpoint.monitor: monitor, monitored metric, monitor metric, best by, best epoch by,
    select by, choose best by, metric, main metric, key metric, validation metric, val metric,
    evaluation metric, eval metric, 모니터, 모니터링, 기준 지표, 모니터 지표, 지표, 검증 지표,
    평가 지표, 주요 지표
training.workers: workers, worker, num workers, data workers, loader workers, dataloader workers,
    data loader workers, loading processes, 워커, 워커 수, 데이터 로더 워커, 로더 워커, 작업자
resources.gpus: gpus, gpu, number of gpus, num gpus, gpu count, 지피유, gpu 수, gpu 개수, 그래픽
    카드, 그래픽카드, graphics cards, graphics card
resources.gpuType: gpu type, type of gpu, gpu model, gpu 종류, gpu 타입, gpu 모델
resources.cpus: cpus, cpu, cpu cores, cores, vcpus, vcpu, core, cpu count, cpu core, 씨피유,
    코어, cpu 코어, cpu 수, 코어 수
resources.memory: memory, ram, mem, main memory, system memory, 메모리, 램, 주기억장치, 시스템
    메모리, 메인 메모리
resources.maxDuration: time limit, max duration, maximum duration, max time, maximum time,
    timeout, time out, duration, deadline, time budget, wall clock, 시간 제한, 제한 시간, 최대
    시간, 타임아웃, 최대 실행 시간, 실행 시간, 시간 한도, 최대 소요 시간
tracking.experiment: track as, tracked as, track it as, track this as, log as, log it as, mlflow
    experiment, tracking experiment, track under, log under, log to mlflow as, log to mlflow
    under, mlflow 실험, mlflow 실험 이름, mlflow 실험명, 트래킹 실험, 추적 실험, mlflow
    experiment name
tracking.registerAs: register as, register it as, register the model as, register model as,
    registered model, register under, registered as, model registry, registry name, register the
    result as, 모델 등록 이름, 레지스트리, 모델 레지스트리, 등록 이름, 등록명, 레지스트리 이름
report.baseline: baseline, baseline is, compare with, compare to, compare against, compare it
    with, compare it to, compare it against, compared with, compared to, against baseline,
    versus, vs, compare the result with, comparing to, comparing with, 베이스라인, 비교, 비교
    대상, 비교 기준, 기준 실험, 기준선, 대비
report.seeds: seed count, number of seeds, num seeds, 시드 개수, 시드 수
report.gates: gate, gates, gating, 합격, 합격 조건, 통과 조건, 기준, 목표, 목표치, 목표는,
    기준치, 컷, threshold, target, goal, pass mark, passing score, quality gate, pass if, must
    reach, must be, should reach, 게이트, 합격 기준, 통과 기준, 품질 기준, 합격선, 목표 성능
params.hflip: hflip, h flip, h flips, horizontal flip, horizontal flips, horizontal flipping,
    horizontal flip probability, 좌우 반전, 좌우반전, 수평 반전
description: description, describe it as, describe as, 설명, 설명은, 비고
framework: framework, library, 프레임워크, 라이브러리
dataset.classes: classes, class, only classes, class names, 클래스, 클래스들, 범주, 카테고리
task: task, 태스크, 과제, 작업
"""
"""Fields below `spec`, by every name that people give them."""

CHOICES: Final = """
training.optimizer=adamw: adamw, adam w, 아담w, 아담 더블유, 아담더블유
training.optimizer=adam: adam, 아담
training.optimizer=nadam: nadam, 나담
training.optimizer=radam: radam, 라담
training.optimizer=sgd: sgd, stochastic gradient descent, 에스지디, 확률적 경사 하강법, 경사
    하강법, 확률적 경사하강
training.optimizer=rmsprop: rmsprop, rms prop, 알엠에스프롭
training.optimizer=lamb: lamb, 램브
training.optimizer=lion: lion, 라이언
training.scheduler=cosine: cosine, cosine annealing, cosine decay, cos, 코사인, 코사인 어닐링,
    코싸인
training.scheduler=linear: linear, linear decay, linearly, 선형, 리니어
training.scheduler=step: step, step decay, step lr, multistep, 스텝, 계단, 계단식
training.scheduler=polynomial: polynomial, poly, poly decay, 다항, 다항식, 폴리
training.scheduler=plateau: plateau, reduce on plateau, 플래토, 플라토, 정체
training.scheduler=constant: constant, constant lr, constant learning rate, flat, 상수, 일정
training.augmentation=none: no augmentation, no aug, no augs, 증강 없음, 무증강
training.augmentation=light: light, mild, weak, gentle, a little, a bit of, lightly, 약한,
    약하게, 가벼운, 가볍게, 살짝, 라이트, 약, 조금만
training.augmentation=standard: standard, normal, default, regular, usual, 표준, 보통, 기본,
    일반, 평범, 스탠다드, 스탠더드
training.augmentation=strong: strong, heavy, aggressive, hard, intense, strongly, heavily, 강한,
    강하게, 강력한, 강력하게, 세게, 센, 스트롱, 빡세게, 강, 강도 높은, 많이, 심하게
training.precision=auto: auto, automatic, 자동
training.precision=fp32: fp32, float32, full precision, single precision, 32 bit, 32 비트,
    단정밀도
training.precision=bf16: bf16, bfloat16, bfloat 16, b float 16, brain float
training.precision=fp16: fp16, float16, half precision, amp, 16 bit, 16 비트, 반정밀도, 에프피16
training.freeze=backbone: backbone, the backbone, head only, only the head, train only the head,
    only train the head, linear probe, linear probing, feature extractor, encoder frozen, 백본,
    백본만, 헤드만, 머리만, 마지막 층만, 마지막 레이어만, 선형 프로브, 분류기만, 백 본
training.freeze=none: unfreeze, unfrozen, full fine tuning, train all layers, all layers, every
    layer, whole network, 전체 레이어, 전체 층, 모든 층, 모든 레이어, 전체 학습, 전체 미세 조정
training.classWeights=balanced: balanced, class weights, class weight, balanced class weights,
    class balancing, class balanced, balance the classes, balance classes, weighted classes,
    weight classes, weighted loss, class weighting, 클래스 가중치, 클래스 균형, 균형 가중치, 균형
    잡힌 가중치, 클래스 불균형, 불균형, 클래스 밸런스, 밸런스드
export.formats=onnx: onnx, 오닉스, 온닉스, onnx export, export onnx, onnx 파일
export.formats=safetensors: safetensors, 세이프텐서, 세이프텐서스
framework=timm: timm, 팀, 티아이엠엠
framework=ultralytics: ultralytics, 울트라리틱스
framework=transformers: transformers, huggingface, hugging face, hf, 허깅페이스, 허깅 페이스,
    트랜스포머스
framework=toy: toy
"""
"""A field's value by every word for it."""

FLAGS: Final = """
model.pretrained=true: pretrained, pre trained, pretraining, pretrained weights, fine tune, fine
    tuning, finetune, finetuning, finetuned, fine tuned, transfer learning, imagenet weights,
    published weights, use pretrained, 사전 학습, 사전학습, 사전 훈련, 사전학습된, 사전 학습된
    가중치, 사전학습 가중치, 프리트레인, 프리트레인드, 프리트레이닝, 미세 조정, 미세조정, 파인
    튜닝, 파인튜닝, 전이 학습, 이미 학습된, 학습된 가중치, imagenet 가중치, 이미지넷 가중치,
    선학습
model.pretrained=false: from scratch, scratch, random init, randomly initialized, random
    initialization, random weights, untrained, no pretraining, train from zero, from zero,
    처음부터, 맨 처음부터, 스크래치, 밑바닥부터, 바닥부터, 백지부터, 백지에서, 랜덤 초기화,
    무작위 초기화, 초기 상태, 제로부터, from the ground up, 스크래치부터
training.earlyStopping=true: 끊어, 끊고, 끊어줘, 끊자, 끊게, 그만해, 그만하게, 종료해, 종료하고,
    종료해줘, 종료, 멈춰, 멈춰줘, 멈추게, 멈추고, 멈추도록, 중단, 중단해, 중단해줘, 그만두, 조기에
    멈춰, stop if, stop when, stop training, stop it, early stopping, early stop, earlystopping,
    stop early, early stopped, 조기 종료, 조기종료, 조기 중단, 얼리 스토핑, 얼리스토핑, 얼리 스탑,
    얼리스탑, 일찍 멈추, 얼리 스톱
training.ema=true: ema, exponential moving average, moving average, weight averaging, 지수 이동
    평균, 지수이동평균, 이동 평균, 이엠에이
training.deterministic=true: deterministic, reproducible, reproducibly, determinism, 결정적,
    결정론적, 재현 가능, 재현 가능하게
training.deterministic=false: nondeterministic, non deterministic, 비결정적
"""
"""What is on or off; negated it is the other, or taken out."""

METRICS: Final = """
accuracy: top 1, top1, top 1 accuracy, top1 accuracy, accuracy, acc, top1, top 1, top 1 accuracy,
    top1 accuracy, 정확도, 애큐러시, 정답률, 정확률
top5_accuracy: top5, top 5, top 5 accuracy, top5 accuracy, top5 정확도, top 5 정확도, 톱5, 상위 5
    정확도
macro_f1: macro f1, f1, f1 score, macro f1 score, f1 macro, 매크로 f1, f1 점수, f1 스코어, 에프원
macro_precision: macro precision, 매크로 정밀도
macro_recall: macro recall, 매크로 재현율
ece: ece, calibration error, expected calibration error, 보정 오차, 보정 오류
loss: loss, val loss, validation loss, 손실, 로스, 검증 손실, 손실값
mAP50-95: map50-95, map 50 95, map, mean average precision, map5095, map@50-95, map@[.5:.95],
    coco map, 엠에이피, 맵, 평균 정밀도
mAP50: map50, map 50, map@50, map@0.5, ap50
mAP75: map75, map 75, map@75, map@0.75, ap75
mAP_small: map small, small map, ap small, 작은 객체 map
mAP_medium: map medium, medium map, ap medium, 중간 객체 map
mAP_large: map large, large map, ap large, 큰 객체 map
precision: precision, 정밀도, 프리시전
recall: recall, sensitivity, 재현율, 리콜, 민감도
mask_mAP50-95: mask map, mask map50-95, mask map5095, 마스크 map, segm map, 마스크 map50-95
mask_mAP50: mask map50, mask ap50, 마스크 map50
mask_mAP75: mask map75, mask ap75, 마스크 map75
mask_mAP_small: mask map small, small mask map
mask_mAP_medium: mask map medium, medium mask map
mask_mAP_large: mask map large, large mask map
mask_iou: mask iou, 마스크 iou
pose_mAP50-95: pose map, pose map50-95, keypoint map, 포즈 map, oks map, 자세 map
pose_mAP50: pose map50, 포즈 map50
pose_mAP75: pose map75, 포즈 map75
pose_mAP_medium: pose map medium, medium pose map
pose_mAP_large: pose map large, large pose map
pck: pck, pck@0.2, pck 0.2, percentage of correct keypoints
micro_f1: micro f1, 마이크로 f1
mAP: multilabel map
subset_accuracy: subset accuracy, exact match ratio, 부분집합 정확도
mIoU: miou, mean iou, iou, jaccard, 미오유, 평균 iou, 아이오유
pixel_accuracy: pixel accuracy, pixel acc, 픽셀 정확도, 화소 정확도
mean_dice: dice, mean dice, dice score, 다이스
psnr: psnr, peak signal to noise ratio, 피에스엔알
ssim: ssim, structural similarity, 에스에스아이엠
abs_rel: abs rel, absrel, absolute relative error, 상대 오차
rmse: rmse, root mean square error, root mean squared error, 평균 제곱근 오차
delta1: delta1, delta 1, 델타1
delta2: delta2, delta 2, 델타2
delta3: delta3, delta 3, 델타3
cer: cer, character error rate, 문자 오류율, 글자 오류율, 문자 오류
wer: wer, word error rate, 단어 오류율
exact_match: exact match, em score, 완전 일치, 완전 일치율
cider: cider, 사이더
bleu4: bleu4, bleu 4, bleu, 블루
rouge_l: rouge l, rouge, 루즈
vqa_accuracy: vqa accuracy, vqa 정확도, vqa acc
perplexity: perplexity, ppl, 퍼플렉서티, 혼란도
"""
"""Metrics, by every name for them."""
