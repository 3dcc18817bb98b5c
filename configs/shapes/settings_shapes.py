# The demo: all stages on the data set of tools/dataset_converters/make_shapes_voc.py.
# ../custom/settings_custom.py explains the lines; its stage configs read them.
classes = ('background', 'lamp', 'kite', 'drum', 'vase', 'bell')
dataset_name = None
data_root = 'data/shapes'
train_list = 'ImageSets/Segmentation/train_cls.txt'
val_list = 'ImageSets/Segmentation/val_cls.txt'
eval_list = None
image_dir = 'JPEGImages'
image_suffix = '.jpg'
skip_broken = False
mask_dir = 'SegmentationClass'
eval_mask_dir = None
saliency_dir = 'saliency_map'
segments_dir = None

backbone = dict(
    type='DilatedVGG',
    depths=(2, 2, 2),
    channels=(16, 48, 96),
    strides=(2, 2),
    extra_channels=(),
    norm_cfg=dict(type='BN', requires_grad=True),
)
feature_channels = 96
image_mean = [115, 115, 115]
image_std = [51, 51, 51]

drs = dict(type='DRS', delta=0.55)
drs_layers = 'default'  # in place of every ReLU
head_drs = None
drs_custom_hooks = []
head_convs = 0
head_channels = None
head_norm = None
head_std = 0.1

resize = 64
crop = 64
map_scales = (52, 64, 76)
# Hue is a class cue here.
color_jitter = dict(brightness=0.2, contrast=0.1, saturation=0.1, hue=0)
batch_size = 32
map_batch_size = 32
refined_batch_size = 32
num_workers = 2
optim_wrapper_type = 'OptimWrapper'
# DRS starts from a plain classifier, as in the paper from ImageNet weights: from scratch it trains
# badly. The classifiers with and without DRS get the same budget after it.
_poly = dict(type='PolyLR', power=0.9, by_epoch=True, convert_to_iter_based=True)
_sgd = dict(type='SGD', lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
pretraining_epochs = 8
pretraining_optimizer = _sgd
pretraining_schedule = [dict(**_poly, end=8)]
classifier_epochs = 6
classifier_optimizer = _sgd
classifier_schedule = [dict(**_poly, end=6)]
classifier_paramwise = dict()
refine_from = 'better'
refinement_epochs = 6
refinement_optimizer = dict(type='Adam', lr=1e-3)
refinement_schedule = [dict(**_poly, end=6)]

pseudo_labels = dict(
    background_cue=dict(type='saliency', threshold=50, source='generated'), threshold=0.2
)

segmentation_backbone = dict()
segmentation_head = dict(
    type='ASPPHead',
    in_channels=96,
    channels=64,
    dilations=(1, 2, 4),
    dropout_ratio=0.1,
    norm_cfg=dict(type='BN', requires_grad=True),
    align_corners=False,
)
segmentation_crop = 64
segmentation_scale = 64
segmentation_epochs = 14
segmentation_optimizer = dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4)
segmentation_paramwise = dict()

seed = 0

stages = dict(
    pretraining='mmdrs::custom/pretraining_custom.py',
    plain_classifier='mmdrs::custom/plain-classifier_custom.py',
    drs_classifier='mmdrs::custom/drs-classifier_custom.py',
    refinement='mmdrs::custom/refinement_custom.py',
    segmentation='mmdrs::custom/segmentation_custom.py',
)
