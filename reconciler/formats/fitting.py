"""What is left of an object after the policy for shapes that leave the picture: one verdict, whatever format writes it.

A writer of pictures gathers objects (`objects.gather_objects`), fits each, and writes of the result what its format can
hold. The fitted object tells the account what the policy did; what the format cannot hold, the writer adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.formats.account import Loss, Outcome, Tally
from reconciler.formats.annotations import Box, Joint, Mask, Point, Polygon, Polyline, Skeleton
from reconciler.formats.categories import class_key
from reconciler.formats.geometry import EdgePolicy, Fit, Ring, Size, corners, fit_box, fit_joints, fit_line, fit_ring
from reconciler.formats.objects import ImageObject, joints_of

XYWH = tuple[float, float, float, float]


@dataclass(slots=True)  # not frozen, since it is made for every object: that takes a quarter of the time
class FittedObject:
    """The shapes of one object that may be written, pixels from the top left. Filled by `fit_object`, then only read.

    polygons: the outer ring of each and then the holes cut out of it. corners: of its turned box, four unless clipped;
    None without one. box: upright (x, y, width, height) as drawn, or as given with a pose or an unedited import. mask:
    with at least one pixel. joints: of its pose. lines: of its polyline, several where it was cut. clipped: a shape was
    cut. gone: parts that the policy left out, and why. refused: the policy leaves out the whole object, as failed when
    true. assumed: joints that did not say whether they are visible.
    """

    found: ImageObject
    polygons: tuple[tuple[Ring, ...], ...] = ()
    corners: Ring | None = None
    box: XYWH | None = None
    mask: Mask | None = None
    joints: tuple[Joint, ...] = ()
    lines: tuple[Ring, ...] = ()
    clipped: bool = False
    gone: dict[str, Loss] = field(default_factory=dict)
    refused: tuple[Loss, bool] | None = None
    assumed: Sequence[str] = ()

    @property
    def rings(self) -> tuple[Ring, ...]:
        """Outer rings of the polygons."""
        return tuple([polygon[0] for polygon in self.polygons]) if self.polygons else ()

    @property
    def holes(self) -> tuple[Ring, ...]:
        """Rings cut out of the polygons, fitted like them."""
        return tuple([hole for polygon in self.polygons for hole in polygon[1:]]) if self.polygons else ()

    @property
    def is_whole(self) -> bool:
        """Whether the policy left every part as it was."""
        return not self.clipped and not self.gone and self.refused is None

    @property
    def left(self) -> tuple[str, ...]:
        """Annotation ids of the parts that may be written."""
        return tuple([i for i in self.found.ids if i not in self.gone]) if self.gone else self.found.ids

    @property
    def is_empty(self) -> bool:
        """Whether nothing may be written."""
        return self.refused is not None or not (
            self.polygons or self.corners or self.box or self.mask or self.joints or self.lines
        )

    def leave_out(self, tally: Tally, reason: Loss | None = None) -> None:
        """Tell the tally that nothing of the object is written. reason: None when the policy's holds."""
        why, failed = self.refused or (reason or next(iter(self.gone.values()), Loss.EMPTY_SHAPE), False)
        tally.note(Outcome.FAILED if failed else Outcome.DROPPED, why, *self.found.ids)

    def settle(self, tally: Tally, class_name: str | None = None, *, keeps_holes: bool = False) -> None:
        """Tell the tally that what is left is written, as one object of a class (None: of that of its first part).

        keeps_holes: with the holes of its rings.
        """
        tally.written += len(self.left)
        body = self.found.body or self.found.parts[0]
        name = class_name or (class_key(body.class_name) if body.class_name else None)
        if name:
            tally.classes[name] += 1
        for part, reason in self.gone.items():
            tally.note(Outcome.DROPPED, reason, part)
        if self.clipped:
            tally.note(Outcome.CLIPPED, Loss.OUTSIDE_MEDIA, *self.left)
        if not keeps_holes and self.holes:
            tally.note(Outcome.LOSSY, Loss.HOLES, *self.left)
        if self.assumed:
            tally.note(Outcome.LOSSY, Loss.VISIBILITY_ASSUMED, *self.assumed)


def fit_object(found: ImageObject, size: Size | None, policy: EdgePolicy) -> FittedObject:
    """Apply the policy to every part of an object with geometry. size: of the picture, None when unknown."""
    return _Fitting(FittedObject(found), size, policy).fit()


@dataclass(slots=True)
class _Fitting:
    """Fills a fitted object, one kind of shape after the other: the first that the policy refuses gives the reason."""

    fitted: FittedObject
    size: Size | None
    policy: EdgePolicy

    def fit(self) -> FittedObject:
        fitted = self.fitted
        kinds = {type(part.shape) for part in fitted.found.parts}
        if Polygon in kinds:
            fitted.polygons = self._polygons()
        if Box in kinds:
            fitted.corners, fitted.box = self._box()
        elif Skeleton in kinds or fitted.found.is_pristine:
            fitted.box = self._given_box()
        if Point in kinds or Skeleton in kinds:
            fitted.joints, fitted.assumed = self._joints()
        if Polyline in kinds:
            fitted.lines = self._lines()
        if Mask in kinds:
            fitted.mask = self._mask()
        return fitted

    def _judge(self, fit: Fit[Ring] | Fit[XYWH] | Fit[tuple[Joint, ...]] | Fit[tuple[Ring, ...]], *parts: str) -> None:
        """Remember what the policy did to some parts; a shape outside that must not be clipped decides for all."""
        if fit.reason is None:
            return
        fitted = self.fitted
        fitted.clipped |= fit.clipped
        if fit.shape is not None:
            return
        fitted.gone.update((part, fit.reason) for part in parts)
        if self.policy.mode != "clip" and fit.reason is Loss.OUTSIDE_MEDIA and fitted.refused is None:
            fitted.refused = (fit.reason, fit.failed)

    def _polygons(self) -> tuple[tuple[Ring, ...], ...]:
        """Outer rings that are left, each with its holes."""
        found: list[tuple[Ring, ...]] = []
        for part in self.fitted.found.polygons:
            assert isinstance(part.shape, Polygon)
            fit = fit_ring(part.shape.points, self.size, self.policy)
            self._judge(fit, part.id)
            if fit.shape is not None:
                found.append((fit.shape, *self._holes(part.shape)) if part.shape.holes else (fit.shape,))
        return tuple(found)

    def _holes(self, shape: Polygon) -> list[Ring]:
        fits = [fit_ring(hole, self.size, self.policy).shape for hole in shape.holes]
        return [hole for hole in fits if hole is not None]

    def _lines(self) -> tuple[Ring, ...]:
        part = next((p for p in self.fitted.found.parts if isinstance(p.shape, Polyline)), None)
        if part is None or not isinstance(part.shape, Polyline):
            return ()
        fit = fit_line(part.shape.points, self.size, self.policy)
        self._judge(fit, part.id)
        return fit.shape or ()

    def _mask(self) -> Mask | None:
        """A mask that is larger than its picture cannot be cut: nobody knows how wide its rows are."""
        part = next((p for p in self.fitted.found.parts if isinstance(p.shape, Mask)), None)
        if part is None or not isinstance(part.shape, Mask) or not part.shape.runs:
            return None
        pixels = None if self.size is None else self.size[0] * self.size[1]
        if pixels is None or max(start + length for start, length in part.shape.runs) <= pixels:
            return part.shape
        outside: Fit[Ring] = Fit(None, reason=Loss.OUTSIDE_MEDIA, failed=self.policy.mode == "fail")
        self._judge(outside, part.id)
        return None

    def _box(self) -> tuple[Ring | None, XYWH | None]:
        """Corners of a turned box, or the upright box as drawn."""
        part = self.fitted.found.box_part
        if part is None or not isinstance(part.shape, Box):
            return None, None
        shape = part.shape
        if shape.rotation:
            turned = fit_ring(corners(shape), self.size, self.policy)
            self._judge(turned, part.id)
            return turned.shape, None
        upright = fit_box((shape.x, shape.y, shape.width, shape.height), self.size, self.policy)
        self._judge(upright, part.id)
        return None, upright.shape

    def _given_box(self) -> XYWH | None:
        """The box that came with an import whose shapes nobody edited, or with a pose."""
        skeleton = self.fitted.found.skeleton
        given = skeleton.box if skeleton is not None else self.fitted.found.given_box
        if given is None or given[2] <= 0 or given[3] <= 0:
            return given
        fit = fit_box(given, self.size, self.policy)
        self.fitted.clipped |= fit.clipped or fit.shape is None
        return fit.shape

    def _joints(self) -> tuple[tuple[Joint, ...], Sequence[str]]:
        skeleton, points = self.fitted.found.skeleton, self.fitted.found.points
        if skeleton is None and not points:
            return (), ()
        joints, assumed = (skeleton.joints, []) if skeleton else joints_of(points)
        if not joints:
            return (), ()
        fit = fit_joints(joints, self.size, self.policy)
        left = {j.name for j in fit.shape or ()}
        self._judge(fit)
        for part in points:
            if (part.class_name or part.id) not in left:
                self.fitted.gone[part.id] = Loss.OUTSIDE_MEDIA
        return fit.shape or (), assumed
