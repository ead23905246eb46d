"""Families and sizes of models, the usual members of families, and the usual model of a task."""

from typing import Final

FAMILIES: Final = """
resnet: resnet, res net, 레즈넷, 레스넷, 래즈넷, 레지넷
wide resnet: wide resnet, wideresnet, 와이드 레즈넷, 와이드 레스넷
resnext: resnext, res next, 레즈넥스트, 레스넥스트
seresnet: se resnet, seresnet
vit: vit, vision transformer, visual transformer, 비트, 비전 트랜스포머, 비젼 트랜스포머,
    비아이티, 뷔아이티
deit: deit, 데이트, 디아이티
swin: swin, swin transformer, 스윈, 스윈 트랜스포머
swinv2: swin v2, swinv2, swin transformer v2, 스윈 v2, 스윈v2
convnext: convnext, conv next, 컨브넥스트, 콘브넥스트, 컨넥스트, 콘넥스트
convnextv2: convnext v2, convnextv2, 컨브넥스트 v2, 컨브넥스트v2
efficientnet: efficientnet, efficient net, effnet, eff net, 에피션트넷, 이피션트넷, 에피션트 넷,
    이피션트 넷, 에피션넷, 이피션시넷
efficientnetv2: efficientnet v2, efficientnetv2, effnet v2, effnetv2, 에피션트넷 v2,
    에피션트넷v2, 이피션트넷 v2
mobilenetv3: mobilenet, mobile net, mobilenet v3, mobilenetv3, 모바일넷, 모바일 넷, 모바일넷 v3,
    모바일넷v3
mobilenetv2: mobilenet v2, mobilenetv2, 모바일넷 v2, 모바일넷v2
mobilenetv4: mobilenet v4, mobilenetv4, 모바일넷 v4, 모바일넷v4
mobilevit: mobilevit, mobile vit, 모바일비트, 모바일 비트
densenet: densenet, dense net, 덴스넷
vgg: vgg, 브이지지, 비지지
regnety: regnet, regnety, 레그넷
inception v3: inception, 인셉션
xception: xception, 엑셉션
yolo: yolo, 욜로, you only look once
yolo11: yolo11, yolov11, yolo v11, 욜로11, 욜로 v11
yolo12: yolo12, yolov12, yolo v12, 욜로12
yolov8: yolov8, yolo v8, yolo8, 욜로v8, 욜로 v8, 욜로8
yolov5: yolov5, yolo v5, yolo5, 욜로v5, 욜로5
yolov9: yolov9, yolo v9, yolo9, 욜로9
yolov10: yolov10, yolo v10, yolo10, 욜로10
yolo26: yolo26, yolo v26, yolov26, 욜로26
rtdetr: rt detr, rtdetr, 알티 데트르, 알티디텍터
detr: detr, 데트르, 디터, 디티알, detection transformer
yolos: yolos, 욜로스
segformer: segformer, seg former, 세그포머, 섹포머, 세그 포머
mask2former: mask2former, mask 2 former, 마스크투포머
maskformer: maskformer, mask former, 마스크포머
upernet: upernet, 유퍼넷
vitpose: vitpose, vit pose, 비트포즈
swin2sr: swin2sr, swin2 sr, 스윈2sr, 스윈투에스알
dpt: dpt, 디피티
depth anything: depth anything, depthanything, 뎁스 애니띵, 뎁스애니띵
glpn: glpn
zoedepth: zoedepth, zoe depth
trocr: trocr, tr ocr, 트로크, 트록, 티알오씨알
donut: donut, 도넛
blip: blip, 블립
blip2: blip2, blip 2, 블립2
git: git base, git large
vilt: vilt, 빌트
paligemma: paligemma, pali gemma, 팔리젬마
qwen: qwen, 큐웬
gpt2: gpt2, gpt 2, 지피티2
llama: llama, 라마
gemma: gemma, 젬마
clip: openai clip
dinov2: dinov2, dino v2, 디노v2, 디노
beit: beit, 바이트 트랜스포머
softmax: softmax regression, softmax, 소프트맥스, 소프트맥스 회귀
"""
"""What a family of models is called; the key is how its members' names begin."""

SIZES: Final = """
pico: pico, 피코
nano: nano, 나노, 엔사이즈
tiny: tiny, 타이니, 꼬마
small: small, 스몰, 소형, 작은, little
medium: medium, mid, 미디엄, 중형, 중간
base: base, 베이스
large: large, big, 라지, 대형, 큰
xlarge: xlarge, x large, extra large, 엑스라지, 엑스 라지, 초대형
huge: huge, 휴지, 거대
giant: giant, 자이언트
"""
"""Sizes of members of a family."""

LETTERS: Final = {
    "nano": "n",
    "tiny": "t",
    "small": "s",
    "medium": "m",
    "base": "b",
    "large": "l",
    "xlarge": "x",
    "huge": "h",
}
"""The letter that stands for a size in YOLO's names, and in some others'."""

USUAL: Final = """
resnet: resnet50, microsoft/resnet-50
wide resnet: wide_resnet50_2
resnext: resnext50_32x4d
seresnet: seresnet50
vit: vit_base_patch16_224, google/vit-base-patch16-224
vit tiny: vit_tiny_patch16_224
vit small: vit_small_patch16_224
vit base: vit_base_patch16_224, google/vit-base-patch16-224
vit large: vit_large_patch16_224
vit huge: vit_huge_patch14_224
deit: deit_base_patch16_224
deit tiny: deit_tiny_patch16_224
deit small: deit_small_patch16_224
deit base: deit_base_patch16_224
swin: swin_tiny_patch4_window7_224, microsoft/swin-tiny-patch4-window7-224
swin tiny: swin_tiny_patch4_window7_224, microsoft/swin-tiny-patch4-window7-224
swin small: swin_small_patch4_window7_224
swin base: swin_base_patch4_window7_224
swin large: swin_large_patch4_window7_224
swinv2: swinv2_tiny_window8_256
swinv2 tiny: swinv2_tiny_window8_256
swinv2 small: swinv2_small_window8_256
swinv2 base: swinv2_base_window8_256
convnext: convnext_tiny, facebook/convnext-tiny-224
convnext tiny: convnext_tiny, facebook/convnext-tiny-224
convnextv2: convnextv2_tiny
efficientnet: efficientnet_b0
efficientnetv2: efficientnetv2_rw_s, tf_efficientnetv2_s
efficientnetv2 small: tf_efficientnetv2_s, efficientnetv2_rw_s
efficientnetv2 medium: tf_efficientnetv2_m
efficientnetv2 large: tf_efficientnetv2_l
mobilenetv3: mobilenetv3_large_100
mobilenetv3 small: mobilenetv3_small_100
mobilenetv3 large: mobilenetv3_large_100
mobilenetv2: mobilenetv2_100
mobilenetv4: mobilenetv4_conv_small
mobilevit: mobilevit_s
densenet: densenet121
vgg: vgg16
regnety: regnety_032
inception v3: inception_v3
xception: xception71
yolo: yolo11n
yolo11: yolo11n
yolo12: yolo12n
yolov8: yolov8n
yolov5: yolov5nu, yolov5n
yolov9: yolov9t
yolov10: yolov10n
yolo26: yolo26n
rtdetr: rtdetr-l
detr: facebook/detr-resnet-50
detr resnet50: facebook/detr-resnet-50
detr resnet101: facebook/detr-resnet-101
yolos: hustvl/yolos-tiny, hustvl/yolos-small
segformer: nvidia/segformer-b0-finetuned-ade-512-512, nvidia/mit-b0
segformer b0: nvidia/segformer-b0-finetuned-ade-512-512, nvidia/mit-b0
mask2former: facebook/mask2former-swin-tiny-coco-instance
maskformer: facebook/maskformer-swin-base-ade
upernet: openmmlab/upernet-convnext-tiny
vitpose: usyd-community/vitpose-base-simple
swin2sr: caidas/swin2SR-classical-sr-x2-64, caidas/swin2SR-classical-sr-x4-64
dpt: Intel/dpt-large, Intel/dpt-hybrid-midas
depth anything: depth-anything/Depth-Anything-V2-Small-hf, LiheYoung/depth-anything-small-hf
glpn: vinvino02/glpn-kitti, vinvino02/glpn-nyu
trocr: microsoft/trocr-base-printed, microsoft/trocr-base-handwritten
donut: naver-clova-ix/donut-base
blip base: Salesforce/blip-image-captioning-base, Salesforce/blip-vqa-base
blip: Salesforce/blip-image-captioning-base, Salesforce/blip-vqa-base
blip2: Salesforce/blip2-opt-2.7b
git: microsoft/git-base
vilt: dandelin/vilt-b32-finetuned-vqa, dandelin/vilt-b32-mlm
qwen: Qwen/Qwen2.5-0.5B, Qwen/Qwen3-0.6B, Qwen/Qwen3-8B, Qwen/Qwen2-7B
gpt2: openai-community/gpt2, gpt2
dinov2: facebook/dinov2-base
beit: beit_base_patch16_224, microsoft/beit-base-patch16-224
softmax: softmax-regression
"""
"""The member of a family that is meant where no other is said: the first that the catalogs have
and that does the task."""

OF_TASK: Final = """
image-classification: resnet50, google/vit-base-patch16-224, softmax-regression
multilabel-classification: resnet50, google/vit-base-patch16-224
object-detection: yolo11n, facebook/detr-resnet-50
oriented-detection: yolo11n-obb
instance-segmentation: yolo11n-seg, facebook/mask2former-swin-tiny-coco-instance
semantic-segmentation: nvidia/segformer-b0-finetuned-ade-512-512, nvidia/mit-b0
pose-estimation: yolo11n-pose, usyd-community/vitpose-base-simple
super-resolution: caidas/swin2SR-classical-sr-x2-64, caidas/swin2SR-classical-sr-x4-64
depth-estimation: Intel/dpt-large, Intel/dpt-hybrid-midas, vinvino02/glpn-nyu
ocr: microsoft/trocr-base-printed, microsoft/trocr-base-handwritten
image-captioning: Salesforce/blip-image-captioning-base, microsoft/git-base
visual-question-answering: dandelin/vilt-b32-finetuned-vqa, Salesforce/blip-vqa-base
text-generation: Qwen/Qwen2.5-0.5B, Qwen/Qwen3-0.6B, openai-community/gpt2
"""
"""The usual models of a task, the first that the catalogs have is taken."""

TASK_SUFFIX: Final = {
    "object-detection": "",
    "image-classification": "-cls",
    "instance-segmentation": "-seg",
    "semantic-segmentation": "-sem",
    "pose-estimation": "-pose",
    "oriented-detection": "-obb",
}
"""What YOLO's names end in, task by task."""

GPUS: Final = """
a100: a100, 에이 백, 에이백
h100: h100, h 100, h one hundred, 에이치백, 에이치 백
h200: h200
v100: v100, v 100
l4: l4, l four, 엘포, 엘 포
l40s: l40s
a10: a10, a10g
t4: t4, t four, 티포, 티 포
p100: p100
k80: k80
b200: b200
rtx 4090: rtx 4090, rtx4090, 4090
gtx: gtx, gtx 1080, gtx1080, gtx 1080 ti, gtx 1660, geforce, 지포스, titan, titan x, tesla,
    quadro, radeon, 라데온
rtx: rtx, rtx 2080, rtx2080, rtx 2080 ti, rtx 3060, rtx 3070, rtx 3080, rtx3080, rtx 4060, rtx
    4070, rtx 5080, 알티엑스
gh200: gh200, gb200
a40: a40
a30: a30
a2: a2 gpu
p4: p4 gpu
m40: m40, m60
rtx 3090: rtx 3090, rtx3090, 3090
rtx 4080: rtx 4080, rtx4080
rtx 5090: rtx 5090, rtx5090, 5090
tpu: tpu, tpus, tpu v2, tpu v3, tpu v4, tpu v5, tpu v5e, tpu v6, 티피유
a6000: a6000, rtx a6000
mi300: mi300, mi300x
"""
"""GPU types that people name."""
