# Your own data: copy this file anywhere, change these lines, then run
#     python tools/pipeline.py settings.py --work-dir work_dirs/custom
# Each of them can also be given on the command line: --cfg-options data_root=DIR seed=1
# A shorter file inherits the rest: _base_ = 'mmdrs::custom/settings_custom.py'

# --- Classes, 'background' first -----------------------------------------------------------------
classes = ('background', 'cat', 'dog')
dataset_name = None  # of records and leaderboards; None: the name of the folder of the data

# --- Paths ---------------------------------------------------------------------------------------
data_root = 'data/custom'
train_list = 'train_cls.txt'  # lines `id 0 1`: classes from 0, background not counted; or a .csv
val_list = 'val_cls.txt'  # for scores only; None without
eval_list = None  # what the segmentation network is scored on; None: val_list
image_dir = 'JPEGImages'
image_suffix = None  # any of .jpg .png ... in any case; or one, or a list of them
skip_broken = False  # True leaves out images that cannot be decoded
mask_dir = 'SegmentationClass'  # PNG masks, for scores only; None without
eval_mask_dir = None  # what the segmentation network is scored with; None: mask_dir
saliency_dir = 'saliency_map'  # PNG, 0..255; None without, see `pseudo_labels` below
segments_dir = None  # masks of SAM or another segmenter, to merge; see `pseudo_labels` below

# --- Backbone ------------------------------------------------------------------------------------
backbone = dict(
    type='MobileNetV2',
    widen_factor=1.0,
    strides=(1, 2, 2, 2, 1, 1, 1),
    dilations=(1, 1, 1, 1, 1, 2, 2),  # output stride 16
    out_indices=(6,),
    norm_cfg=dict(type='BN', requires_grad=True),
    norm_eval=True,
    init_cfg=dict(type='Pretrained', checkpoint='mmcls://mobilenet_v2'),
)
feature_channels = 320
image_mean = [123.675, 116.28, 103.53]
image_std = [58.395, 57.12, 57.375]

# --- DRS: where in the backbone, and in the convolutions of the head -----------------------------
drs = dict(type='DRS', delta=0.8)  # or dict(type='LearnableDRS')
drs_layers = [r'layer[567]\.\d\.conv\.[01]\.activate']
head_drs = dict(type='DRS', delta=0.8)
# A frozen batch norm (norm_eval) takes the statistics of suppressed features before the training.
drs_custom_hooks = [dict(type='PreciseBNHook', num_batches=30)]
head_convs = 2
head_channels = 256
head_norm = None
# Small first logits: the released initialisation, made for VGG, diverges on other backbones.
head_std = 0.01

# --- Classifier and refinement: sizes and schedules ----------------------------------------------
resize = 384  # images become squares of this side ...
crop = 320  # ... and are cropped to this one; maps are stored at it
map_scales = (256, 320, 384)
color_jitter = dict(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1)
batch_size = 8
map_batch_size = 8
refined_batch_size = 1  # more only where all images have one size
num_workers = 2
optim_wrapper_type = 'OptimWrapper'  # or 'Bfloat16OptimWrapper': mixed precision, also on CPUs
classifier_epochs = 15
classifier_schedule = [dict(type='MultiStepLR', milestones=[4, 9], gamma=0.1)]
classifier_optimizer = dict(type='SGD', lr=1e-3, momentum=0.9, nesterov=True, weight_decay=5e-4)
classifier_paramwise = dict(
    custom_keys={'decode_head': dict(lr_mult=10), 'backbone.drs': dict(lr_mult=10)}
)
refine_from = 'better'  # of the plain and the DRS maps, judged without masks; or 'drs_maps'
refinement_epochs = 30
refinement_schedule = [dict(type='MultiStepLR', milestones=[10, 20], gamma=0.1)]
refinement_optimizer = dict(type='Adam', lr=1e-4)

# --- Pseudo labels -------------------------------------------------------------------------------
# Fill in `source`, the network or method that made your saliency maps, such as source='CSNet': it
# changes no label, but scores by the same rules differ by it, so the records say it.
# Without saliency maps: background_cue=dict(type='constant', value=0.3)
#                    or: background_cue=dict(type='power', exponent=2)
#                    or: saliency maps that are learned on your own images, see below
# With a dense CRF on the labels (pip install 'mmdrs[crf]'): crf=dict(), which is
#     crf=dict(iterations=10, gaussian_weight=3, gaussian_sxy=1,
#              bilateral_weight=4, bilateral_sxy=67, bilateral_srgb=3)
# With the masks of any segmenter, <segments_dir>/<id>.json or <id>/*.png, merged into the labels:
#     merge=dict(type='SegmentMerging', source='SAM')
# Map values below `threshold` are 0: with a saliency cue a low one; without, the reference's 0.2.
pseudo_labels = dict(background_cue=dict(type='saliency', threshold=50, source=''), threshold=0.05)
labels_from = 'refined_maps'  # or 'plain_maps' or 'drs_maps': without a refinement

# --- Learned foreground, in the place of saliency maps ------------------------------------------
# Without saliency maps (saliency_dir=None): a network learns from the class maps where an image has
# an object of any class, in rounds. It is used where `stages` below names it:
#     foreground='mmdrs::custom/foreground_custom.py',
# Its maps are coarse. Refine them with the class maps, and cut them at 0.6 of 255:
#     pseudo_labels = dict(background_cue=dict(type='saliency', threshold=153, refined=True),
#                          refine=dict(type='PAR', downscale=2), threshold=0.05)
foreground_backbone = dict(out_indices=(3, 4, 5, 6))  # changes of `backbone`, which is not trained
foreground_head = dict(
    type='ForegroundHead', in_channels=[64, 96, 160, 320], in_index=[0, 1, 2, 3], channels=64
)
foreground_size = None  # images become squares of this side; None: that of `resize`
foreground_epochs = 6
foreground_round_length = 2  # epochs; a round learns what the one before was sure of
foreground_optimizer = dict(type='AdamW', lr=1e-3, weight_decay=0.01)

# --- Segmentation network ------------------------------------------------------------------------
segmentation_backbone = dict(out_indices=(1, 6))  # changes of `backbone`
segmentation_head = dict(
    type='DepthwiseSeparableASPPHead',
    in_channels=320,
    in_index=1,
    channels=256,
    dilations=(1, 6, 12, 18),
    c1_in_channels=24,
    c1_channels=48,
    dropout_ratio=0.1,
    norm_cfg=dict(type='BN', requires_grad=True),
    align_corners=False,
)
# Rounds of training on the network's own labels of the training images, which come from its
# probabilities among the classes of each image, averaged over scales and mirror images. The
# foreground is the mean of saliency and probabilities where there are saliency maps; other rules:
# pseudo_labels=dict(...), as above.
self_training = dict(rounds=0, scales=(0.75, 1.0, 1.25), flip=True)
segmentation_from = 'plain_classifier'  # its backbone's first weights; or 'pretrained'
segmentation_crop = 320
segmentation_scale = 320  # images are resized to this side, the ratio kept
segmentation_epochs = 30
segmentation_optimizer = dict(type='AdamW', lr=5e-4, weight_decay=0.01)  # quick on little data
# Pretrained weights need a smaller rate than the new head.
segmentation_paramwise = dict(custom_keys=dict(backbone=dict(lr_mult=0.2)))

seed = 0

# The config of each stage: the name of an installed config, or a path, absolute or from this file.
stages = dict(
    plain_classifier='mmdrs::custom/plain-classifier_custom.py',
    drs_classifier='mmdrs::custom/drs-classifier_custom.py',
    refinement='mmdrs::custom/refinement_custom.py',
    segmentation='mmdrs::custom/segmentation_custom.py',
)
