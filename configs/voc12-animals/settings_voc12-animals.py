# VOC 2012, animals part: the images of VOC 2012 that hold nothing but six classes, small enough to
# run all stages on a CPU. Its lists and masks, once VOC 2012 is there (docs/voc12.md):
#     VOC=data/VOCdevkit/VOC2012
#     ANIMALS="--subset animals --only-classes cat cow dog horse person sheep"
#     python tools/dataset_converters/voc_image_labels.py $VOC --source masks $ANIMALS \
#         --splits train val
#     python tools/dataset_converters/voc_image_labels.py $VOC --source masks $ANIMALS \
#         --splits train_aug --sample 1000 --with train
# All stages:
#     python tools/pipeline.py configs/voc12-animals/settings_voc12-animals.py \
#         --work-dir work_dirs/voc12-animals
# The ceiling, the same network trained on the true masks:
#     python tools/train.py configs/voc12-animals/supervised_voc12-animals.py \
#         --settings configs/voc12-animals/settings_voc12-animals.py
# Scores are those of six classes on a part of the images: none compares with one on VOC 2012.
# ../custom/settings_custom.py explains the lines.
_base_ = 'mmdrs::custom/settings_custom.py'

classes = ('background', 'cat', 'cow', 'dog', 'horse', 'person', 'sheep')
dataset_name = 'VOC 2012, animals part'
data_root = 'data/VOCdevkit/VOC2012'
train_list = 'ImageSets/Segmentation/train_aug_animals_1000_cls.txt'
# Maps and labels are scored on the training images that have VOC's own masks, all of which are in
# train_list; the network is scored on other images.
val_list = 'ImageSets/Segmentation/train_animals_cls.txt'
eval_list = 'ImageSets/Segmentation/val_animals_cls.txt'
mask_dir = 'SegmentationClass_animals'
saliency_dir = 'saliency_map'

resize = 257
crop = 225
map_scales = (193, 225, 289)
segmentation_crop = 225
segmentation_scale = 225
batch_size = 16
map_batch_size = 16
optim_wrapper_type = 'Bfloat16OptimWrapper'
_poly = dict(type='PolyLR', power=0.9, by_epoch=True, convert_to_iter_based=True)
classifier_epochs = 5
classifier_schedule = [dict(**_poly, end=5)]
refinement_epochs = 5
refinement_schedule = [dict(**_poly, end=5)]
segmentation_epochs = 10
