# Refinement learning: a plain network learns the maps of the classifier with DRS.
_base_ = './plain-classifier_custom.py'

side = _base_.crop
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(side, side), keep_ratio=False),
    dict(type='LoadLocalizationMap'),
    dict(type='ColorJitter', **_base_.color_jitter),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDRSInputs'),
]
# Refined maps are made at the size of the image, for the pseudo labels.
test_cfg = dict(size=None)
tta_model = dict(size=None)
train_dataloader = dict(
    dataset=dict(
        # The pipeline puts the folder of the maps here.
        data_prefix=dict(img_path=_base_.image_dir, map_path='maps'),
        pipeline=train_pipeline,
    )
)
# Images of different sizes are resized once only one by one.
test_dataloader = dict(batch_size=_base_.refined_batch_size)
model = dict(decode_head=dict(type='RefinementHead', init_cfg=None))

epochs = _base_.refinement_epochs
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs)
optim_wrapper = dict(
    _delete_=True, type=_base_.optim_wrapper_type, optimizer=_base_.refinement_optimizer
)
param_scheduler = _base_.refinement_schedule
