"""Checkpoints that are whole or not there, whenever a training is killed."""

from pathlib import Path
from typing import Any, cast

from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmseg.registry import HOOKS

from mmdrs.files import written_whole

_BACKEND = 'WholeFileBackend'
_VALIDATED = 'validated_iter'  # in the message hub: the iteration of the last validation


class WholeFileBackend(LocalBackend):
    """MMEngine's local files, written under another name and renamed."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file, whole or not at all."""
        with written_whole(filepath) as temporary:
            temporary.write_bytes(obj)


register_backend(_BACKEND, WholeFileBackend, force=True)


@HOOKS.register_module()
class WholeCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook``, safe against interruptions; same arguments.

    * Checkpoints and ``last_checkpoint`` are written under another name and renamed.
    * An outdated checkpoint is removed after the new one is written, not before.
    * With ``save_best``, a training that was killed in a validation does it again when it is
      resumed: else its checkpoint could not become the best.

    ``train_model`` puts it in the place of ``CheckpointHook``.
    """

    def before_train(self, runner: Runner) -> None:
        """Prepare the folder; catch up on the validation of a resumed training."""
        super().before_train(runner)
        if type(self.file_backend) is LocalBackend:
            self.backend_args = dict(backend=_BACKEND)
        if self.save_best and runner.val_loop is not None and _validation_is_due(runner):
            runner.val_loop.run()

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Note which iteration was validated; save the best checkpoint."""
        runner.message_hub.update_info(_VALIDATED, runner.iter)
        super().after_val_epoch(runner, metrics)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, Any]) -> None:
        """As the parent's, in a safe order."""
        outdated = None
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                outdated = self.keep_ckpt_ids.popleft()
            self.keep_ckpt_ids.append(step)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if not is_main_process():
            return
        with written_whole(Path(runner.work_dir) / 'last_checkpoint') as temporary:
            temporary.write_text(str(self.last_ckpt), encoding='utf-8')
        if outdated is not None:
            path = self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(outdated))
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)


def _validation_is_due(runner: Runner) -> bool:
    """Whether a resumed training was stopped before or in the validation of its checkpoint."""
    if runner.iter == 0:
        return False
    loop = cast(Any, runner.train_loop)
    if isinstance(loop, EpochBasedTrainLoop):
        done, last = loop.epoch, loop.max_epochs
    else:
        done, last = loop.iter, loop.max_iters
    due = done >= loop.val_begin and (done % loop.val_interval == 0 or done == last)
    return due and runner.message_hub.runtime_info.get(_VALIDATED) != runner.iter
