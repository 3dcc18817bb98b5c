# PASCAL VOC 2012 with image-level labels, as the released code reads it: squares of 384, crops of
# 320; localization maps at 320 from the scales 256, 320 and 384. The image labels are those of the
# XML boxes, as most work uses them; the released list (train_aug_cls.txt) is made from the masks.
dataset = dict(
    type='VOCImageLabelDataset',
    data_root='data/VOCdevkit/VOC2012',
    ann_file='ImageSets/Segmentation/train_aug_cls_xml.txt',
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(384, 384), keep_ratio=False, backend='pillow'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='ColorJitter', brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1),
    dict(type='RandomCrop', crop_size=(320, 320), cat_max_ratio=1.0),
    dict(type='PackDRSInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(320, 320), keep_ratio=False, backend='pillow'),
    dict(type='PackDRSInputs'),
]
# Scales of the maps, which are merged; None makes them at the size of the pipeline.
scales = (256, 320, 384)
map_size = (320, 320)  # None is that of each image
# For MMSegmentation's own tools/test.py --tta, which makes the same maps.
tta_model = dict(type='LocalizationTTA', scales=scales, size=map_size)
tta_pipeline = [
    *test_pipeline[:-1],
    dict(type='TestTimeAug', transforms=[[dict(type='PackDRSInputs')]]),
]
train_dataloader = dict(
    batch_size=5,  # on each of 2 GPUs
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**dataset, data_prefix=dict(img_path='JPEGImages'), pipeline=train_pipeline),
)
test_dataloader = dict(
    batch_size=8,  # squares of one size: the maps do not depend on it
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **dataset,
        data_prefix=dict(img_path='JPEGImages', saliency_path='saliency_map'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(type='LocalizationMetric')
test_cfg = dict(type='LocalizationMapLoop', scales=scales, size=map_size)
# For tools/make_pseudo_labels.py. `source` is what made the saliency maps, here the paper's; name
# that of yours if it is another.
pseudo_labels = dict(
    background_cue=dict(type='saliency', threshold=50, source='PoolNet'), threshold=0.2
)
