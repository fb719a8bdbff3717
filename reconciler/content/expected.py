"""What a file may be, by its extension and by the type of its specification. Pure.

The extension is the stronger word: it promises one format. Without a known extension the type of the specification
decides, and only against formats that are known to be something else.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.content.detect import BINARY, Detected

_TEXTS = frozenset({"text", "json", "xml", "svg", "html", "rtf", "pcd", "metaimage", "netpbm", "postscript", "nrrd"})
_PACKED = frozenset({"gzip", "bzip2", "xz", "zstd", "zip", "7z", "rar", "tar"})

# Extension → formats that keep its promise. Extensions that promise nothing (`.bin`, `.dat`) are not here.
EXTENSIONS: Mapping[str, frozenset[str]] = {
    extension: frozenset(formats.split())
    for extensions, formats in (
        (".png .apng", "png"),
        (".jpg .jpeg .jpe .jfif", "jpeg"),
        (".gif", "gif"),
        (".bmp .dib", "bmp"),
        (".tif .tiff .ome.tif .ome.tiff .svs .geotiff", "tiff"),
        (".webp", "webp"),
        (".jp2 .j2k .jpx", "jpeg2000"),
        (".jxl", "jpeg-xl"),
        (".heic .heif", "heic"),
        (".avif", "avif"),
        (".ico", "ico"),
        (".psd", "psd"),
        (".exr", "openexr"),
        (".hdr", "radiance nifti-header analyze text"),
        (".pbm .pgm .ppm .pnm", "netpbm"),
        (".svg", "svg"),
        (".dcm .dicom", "dicom"),
        (".nii", "nifti"),
        (".img", "binary nifti analyze nifti-header"),
        (".nrrd .nhdr", "nrrd"),
        (".mha .mhd", "metaimage"),
        (".mp4 .m4v", "mp4 quicktime m4a"),
        (".mov .qt", "quicktime mp4"),
        (".3gp", "mp4"),
        (".avi", "avi"),
        (".mkv", "matroska webm"),
        (".webm", "webm"),
        (".wmv .asf .wma", "asf"),
        (".flv", "flv"),
        (".mpg .mpeg .ts .m2ts", "mpeg-video"),
        (".ogv", "ogg-video"),
        (".wav", "wav"),
        (".mp3", "mp3"),
        (".flac", "flac"),
        (".ogg .oga .opus", "ogg"),
        (".m4a .m4b", "m4a mp4"),
        (".aac", "aac mp3"),
        (".aif .aiff .aifc", "aiff"),
        (".au", "au"),
        (".amr", "amr"),
        (".mid .midi", "midi"),
        (".pcd", "pcd"),
        (".ply", "ply"),
        (".las .laz", "las"),
        (".e57", "e57"),
        (".pdf", "pdf"),
        (".ps .eps", "postscript"),
        (".rtf", "rtf"),
        (".docx", "docx zip"),
        (".xlsx .xlsm", "xlsx zip"),
        (".pptx", "pptx zip"),
        (".odt .ods .odp", "opendocument"),
        (".doc .xls .ppt", "ole"),
        (".zip", "zip docx xlsx pptx opendocument npz jar apk"),
        (".npz", "npz zip"),
        (".gz", "gzip"),
        (".tgz .svgz", "gzip"),
        (".bz2", "bzip2"),
        (".xz", "xz"),
        (".zst", "zstd"),
        (".7z", "7z"),
        (".rar", "rar"),
        (".tar", "tar"),
        (".npy", "npy"),
        (".h5 .hdf5 .h5ad", "hdf5"),
        (".nc", "netcdf hdf5"),
        (".parquet", "parquet"),
        (".feather .arrow", "arrow"),
        (".sqlite .sqlite3", "sqlite"),
        (".mat", "matlab hdf5 text"),
        (".bam", "gzip"),
        (".json .geojson .ipynb", "json text"),
        (".jsonl .ndjson", "json text"),
        (".xml", "xml svg html"),
        (".html .htm .xhtml", "html xml text"),
    )
    for extension in extensions.split()
} | dict.fromkeys(
    (
        ".txt", ".csv", ".tsv", ".md", ".yaml", ".yml", ".ini", ".toml", ".srt", ".vtt", ".xyz", ".vcf", ".bed", ".log",
        ".fasta", ".fa", ".fastq", ".fq", ".gff", ".gtf", ".mtx", ".rst", ".names",
    ),
    _TEXTS,
)  # fmt: skip

_KINDS: Mapping[str, frozenset[str]] = {
    "image": frozenset(
        {
            "png", "mng", "jpeg", "gif", "bmp", "tiff", "webp", "jpeg2000", "jpeg-xl", "heic", "avif", "raw-photo",
            "ico", "psd", "openexr", "radiance", "dds", "netpbm", "svg", "dicom", "nifti", "nrrd", "metaimage",
        }
    ),
    "medical": frozenset({"dicom", "nifti", "nifti-header", "analyze", "nrrd", "metaimage", "tiff", "gzip"}),
    "video": frozenset(
        {"mp4", "quicktime", "avi", "matroska", "webm", "asf", "flv", "mpeg-video", "ogg-video", "gif"}
    ),
    "audio": frozenset(
        {
            "wav", "mp3", "flac", "ogg", "m4a", "mp4", "aac", "aiff", "au", "amr", "ape", "wavpack", "midi", "asf",
            "webm", "matroska",
        }
    ),
    "pcd": frozenset({"pcd", "ply", "las", "e57", "npy", "binary", "text", "hdf5"}),
    "text": _TEXTS,
    "document": _TEXTS | {"pdf", "docx", "xlsx", "pptx", "opendocument", "ole", "zip"},
}  # fmt: skip
_SAME = {"medical_image": "medical"}


def allowed_formats(file_type: str, extension: str) -> frozenset[str] | None:
    """Formats that a file may have; None when it may have any.

    file_type: of the specification. extension: lower case with its dot, "" for none; of compound ones (`.nii.gz`) the
    outer form counts here, and `fits` looks inside.
    """
    known = EXTENSIONS.get(extension) or EXTENSIONS.get(extension[extension.rfind(".") :] if extension else "")
    return known or _KINDS.get(_SAME.get(file_type, file_type))


def fits(found: Detected, file_type: str, extension: str) -> bool:
    """Whether a file keeps the promise of its extension, or else of its specification's type."""
    allowed = allowed_formats(file_type, extension)
    if allowed is None or found.format in allowed:
        return found.format != "gzip" or not found.inner or _fits_inside(found.inner, extension)
    # Nothing is known of the bytes and nothing was promised: a format that is not known here.
    is_promised = extension in EXTENSIONS or extension[extension.rfind(".") :] in EXTENSIONS
    return not is_promised and found.format in (BINARY, *_PACKED)


def _fits_inside(inner: str, extension: str) -> bool:
    within = {".tgz": ".tar", ".svgz": ".svg", ".bam": ".none"}.get(extension, extension.removesuffix(".gz"))
    known = EXTENSIONS.get(within) or EXTENSIONS.get(within[within.rfind(".") :] if "." in within else "")
    return known is None or inner in known
