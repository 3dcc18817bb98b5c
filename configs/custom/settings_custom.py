# Your own data: copy this file anywhere, change these lines, then run
#     python tools/pipeline.py settings.py --work-dir work_dirs/custom
# Each of them can also be given on the command line: --cfg-options data_root=DIR seed=1
# A shorter file inherits the rest: _base_ = 'mmdrs::custom/settings_custom.py'
# The meaning of a setting stands above it or behind it. docs/settings.md shows all of them in
# tables; `python docs/settings_page.py` writes that page from this file.

# --- Classes -------------------------------------------------------------------------------------
classes = ('background', 'cat', 'dog')  # names of the classes, 'background' first
dataset_name = None  # name of the data in records and leaderboards; None: that of `data_root`

# --- Paths ---------------------------------------------------------------------------------------
data_root = 'data/custom'  # folder of the data; the other paths start there
# Images to train on. A text file with lines `id 0 1`, classes from 0 without the background, or a
# .csv; None where `image_dir` has a folder for each class.
train_list = 'train_cls.txt'
val_list = 'val_cls.txt'  # images with labels, for scores only; None without
eval_list = None  # images to score the segmentation network on; None: `val_list`
image_dir = 'JPEGImages'  # folder of the images
image_suffix = None  # a suffix or a list of them; None: any of .jpg .png ... in any case
skip_broken = False  # True leaves out images that cannot be decoded, False stops at them
mask_dir = 'SegmentationClass'  # folder of PNG masks, for scores only; None without
eval_mask_dir = None  # masks to score the segmentation network with; None: `mask_dir`
saliency_dir = 'saliency_map'  # folder of PNG saliency maps, 0..255; None without
segments_dir = None  # masks of SAM or another segmenter, which `pseudo_labels` can merge

# --- Backbone ------------------------------------------------------------------------------------
# Config of any backbone that is registered in MMSegmentation.
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
feature_channels = 320  # channels of the features that the backbone returns last
image_mean = [123.675, 116.28, 103.53]  # mean of red, green and blue, 0..255, to normalize images
image_std = [58.395, 57.12, 57.375]  # standard deviation of red, green and blue

# --- DRS: where in the backbone, and in the convolutions of the head -----------------------------
drs = dict(type='DRS', delta=0.8)  # DRS in the backbone; or `dict(type='LearnableDRS')`
# Modules of the backbone that get a DRS layer: names or regular expressions; `mmdrs places` lists
# all of them.
drs_layers = [r'layer[567]\.\d\.conv\.[01]\.activate']
head_drs = dict(type='DRS', delta=0.8)  # DRS in the convolutions of the head; None without
# Hooks of the DRS classifier. `PreciseBNHook` computes the statistics of a frozen batch norm
# (`norm_eval`) for suppressed features before the training.
drs_custom_hooks = [dict(type='PreciseBNHook', num_batches=30)]
head_convs = 2  # 3 x 3 convolutions of the head, before the one that gives the class maps
head_channels = 256  # channels of these convolutions
head_norm = None  # normalization of these convolutions, such as `dict(type='BN')`; None without
# Standard deviation of the first weights of the last convolution. Small: the released
# initialisation, made for VGG, diverges on other backbones.
head_std = 0.01

# --- Classifier and refinement: sizes and schedules ----------------------------------------------
resize = 384  # side of the squares that training images become before they are cropped
crop = 320  # side of these crops, and of the maps that are stored
map_scales = (256, 320, 384)  # sides of the squares whose maps are merged by their maximum
# The largest random changes of the colours of a training image.
color_jitter = dict(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1)
batch_size = 8  # images in a batch of a training
map_batch_size = 8  # images in a batch of making maps
refined_batch_size = 1  # the same for refined maps; more only if all images have one size
num_workers = 2  # processes that load data
optim_wrapper_type = 'OptimWrapper'  # or 'Bfloat16OptimWrapper': mixed precision, also on CPUs
classifier_epochs = 15  # passes of each classifier over the training images
# Learning rate of the classifiers: a tenth after each of these epochs.
classifier_schedule = [dict(type='MultiStepLR', milestones=[4, 9], gamma=0.1)]
# Optimizer of the classifiers.
classifier_optimizer = dict(type='SGD', lr=1e-3, momentum=0.9, nesterov=True, weight_decay=5e-4)
# Learning rates of parts of the classifiers: the head and the DRS layers learn ten times as fast.
classifier_paramwise = dict(
    custom_keys={'decode_head': dict(lr_mult=10), 'backbone.drs': dict(lr_mult=10)}
)
# Maps that the refinement learns: 'better' takes the plain or the DRS maps, judged without masks;
# 'drs_maps' and 'plain_maps' name them.
refine_from = 'better'
refinement_epochs = 30  # passes of the refinement over the training images
# Learning rate of the refinement: a tenth after each of these epochs.
refinement_schedule = [dict(type='MultiStepLR', milestones=[10, 20], gamma=0.1)]
refinement_optimizer = dict(type='Adam', lr=1e-4)  # optimizer of the refinement

# --- Pseudo labels -------------------------------------------------------------------------------
# How maps become labels. `background_cue` decides what is background, and map values below
# `threshold` are 0. Fill in `source`, the network or method that made your saliency maps, such as
# `source='CSNet'`: it changes no label, but the records of scores name it. Without saliency maps,
# use `background_cue=dict(type='constant', value=0.3)` or `background_cue=dict(type='power',
# exponent=2)`, and a threshold of 0.2, that of the reference; or learn the foreground on your own
# images, see below. More keys:
# `refine=dict(type='PAR', iterations=20, downscale=2)` lets maps follow the colours of the image;
# `crf=dict()` runs a dense CRF on the labels (pip install 'mmdrs[crf]'), and is
# `crf=dict(iterations=10, gaussian_weight=3, gaussian_sxy=1, bilateral_weight=4, bilateral_sxy=67,
# bilateral_srgb=3)`; `merge=dict(type='SegmentMerging', source='SAM')` merges the masks of
# `segments_dir`, `<id>.json` or `<id>/*.png`, into the labels.
pseudo_labels = dict(background_cue=dict(type='saliency', threshold=50, source=''), threshold=0.05)
# Maps that become labels: 'plain_maps' and 'drs_maps' leave the refinement out.
labels_from = 'refined_maps'

# --- Learned foreground, in the place of saliency maps -------------------------------------------
# Without saliency maps (`saliency_dir=None`) a small network can learn from the maps of the
# classifier where an image has an object of any class. It is used if `stages` names it:
# `foreground='mmdrs::custom/foreground_custom.py'`. Its maps are coarse: refine them together with
# the class maps, and cut them at 0.6 of 255, `pseudo_labels=dict(background_cue=dict(
# type='saliency', threshold=153, refined=True), refine=dict(type='PAR', downscale=2),
# threshold=0.05)`. What differs from `backbone`, which is not trained:
foreground_backbone = dict(out_indices=(3, 4, 5, 6))
# Head of the foreground network; `in_channels` are those of the features.
foreground_head = dict(
    type='ForegroundHead', in_channels=[64, 96, 160, 320], in_index=[0, 1, 2, 3], channels=64
)
foreground_size = None  # images become squares of this side; None: that of `resize`
foreground_epochs = 6  # passes of the foreground network over the training images
foreground_round_length = 2  # epochs; each round learns what the one before was sure of
foreground_optimizer = dict(type='AdamW', lr=1e-3, weight_decay=0.01)  # its optimizer

# --- Segmentation network ------------------------------------------------------------------------
segmentation_backbone = dict(out_indices=(1, 6))  # what differs from `backbone`
# Config of any decode head that is registered in MMSegmentation, without `num_classes`.
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
# Rounds of training on the labels that the network gives to the training images: from its
# probabilities among the classes of each image, averaged over `scales` and mirror images (`flip`).
# With saliency maps the foreground is the mean of saliency and probabilities. Other rules:
# `pseudo_labels=dict(...)`, as above.
self_training = dict(rounds=0, scales=(0.75, 1.0, 1.25), flip=True)
# Hooks of the segmentation network: [dict(type='LabelCorrectionHook')], for instance, with
# loss_decode=dict(type='LabelCorrectionLoss') in its head.
segmentation_custom_hooks = []
segmentation_from = 'plain_classifier'  # first weights of its backbone; or 'pretrained'
segmentation_crop = 320  # side of the crops that the network learns from
segmentation_scale = 320  # shorter side that images are resized to, the ratio kept
segmentation_epochs = 30  # passes of the segmentation network over the training images
# Optimizer of the segmentation network. AdamW learns fast from little data.
segmentation_optimizer = dict(type='AdamW', lr=5e-4, weight_decay=0.01)
# Learning rates of parts of the network: pretrained weights need a smaller one than a new head.
segmentation_paramwise = dict(custom_keys=dict(backbone=dict(lr_mult=0.2)))

# --- Runs ----------------------------------------------------------------------------------------
seed = 0  # random seed of every training; compare means over several seeds
# The config of each stage: the name of an installed config, or a path, absolute or from this file.
stages = dict(
    plain_classifier='mmdrs::custom/plain-classifier_custom.py',
    drs_classifier='mmdrs::custom/drs-classifier_custom.py',
    refinement='mmdrs::custom/refinement_custom.py',
    segmentation='mmdrs::custom/segmentation_custom.py',
)
