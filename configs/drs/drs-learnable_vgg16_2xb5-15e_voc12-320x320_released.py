# As released: image labels from the masks, and the checkpoint of the epoch whose labels are best on
# the *ground-truth masks* of VOC train (1,464 images), supervision that the setting does not have.
# Use best_mIoU_epoch_*.pth of the work directory.
_base_ = './drs-learnable_vgg16_2xb5-15e_voc12-320x320.py'

val_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='LoadSaliencyMap'),
    # Masks and saliency maps take the nearest pixel: everything is scored at 320 x 320.
    dict(type='Resize', scale=(320, 320), keep_ratio=False, backend='pillow'),
    dict(type='SetOutputShape'),
    dict(type='PackDRSInputs'),
]
train_dataloader = dict(dataset=dict(ann_file='ImageSets/Segmentation/train_aug_cls.txt'))
test_dataloader = dict(dataset=dict(ann_file='ImageSets/Segmentation/train_aug_cls.txt'))
val_dataloader = dict(
    batch_size=5,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='VOCImageLabelDataset',
        data_root='data/VOCdevkit/VOC2012',
        ann_file='ImageSets/Segmentation/train_cls.txt',
        data_prefix=dict(
            img_path='JPEGImages',
            seg_map_path='SegmentationClassAug',
            saliency_path='saliency_map',
        ),
        pipeline=val_pipeline,
    ),
)
val_evaluator = dict(
    type='PseudoLabelMetric',
    background_cue=dict(type='saliency', threshold=50, source='PoolNet'),
    threshold=0.2,
)
val_cfg = dict(type='ValLoop')
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater'))
