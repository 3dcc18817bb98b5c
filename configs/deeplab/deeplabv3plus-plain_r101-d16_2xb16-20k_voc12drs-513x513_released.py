# As released: the checkpoint is the best of evaluations on val every 100 iterations, and these see
# images *and masks* resized to a short side of 513 and cropped to their centre.
_base_ = './deeplabv3plus-plain_r101-d16_2xb16-20k_voc12drs-513x513.py'

test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', scale=(100000, 513), keep_ratio=True, backend='pillow'),
    dict(type='CenterCrop', crop_size=(513, 513)),
    dict(type='SetOutputShape'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(dataset=dict(ann_file='ImageSets/Segmentation/train_aug_cls.txt'))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
train_cfg = dict(val_interval=100)
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater', interval=100))
randomness = dict(seed=2)
