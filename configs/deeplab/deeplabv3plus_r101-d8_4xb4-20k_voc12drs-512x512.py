# MMSegmentation's own DeepLabV3+ for VOC 2012, trained on pseudo labels instead of masks.
_base_ = 'mmseg::deeplabv3plus/deeplabv3plus_r101-d8_4xb4-20k_voc12aug-512x512.py'

custom_imports = dict(imports=['mmdrs'], allow_failed_imports=False)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='VOCPseudoLabelDataset',
        data_root='data/VOCdevkit/VOC2012',
        ann_file='ImageSets/Segmentation/train_aug_cls_xml.txt',
        # Folder of the labels that tools/make_pseudo_labels.py wrote; tools/pipeline.py sets it.
        data_prefix=dict(img_path='JPEGImages', seg_map_path='pseudo_label'),
        pipeline=_base_.train_pipeline,
    )
)
randomness = dict(seed=0)
