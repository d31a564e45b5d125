"""Which codecs are decoded, by FFmpeg's names: what people upload, not all that FFmpeg knows."""

VIDEO = frozenset(
    {
        "h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "mpeg1video", "mpeg2video",
        "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "wmv3", "vc1", "flv1", "vp6",
        "vp6f", "vp6a", "h263", "mjpeg", "prores", "dnxhd", "dvvideo", "theora", "rawvideo",
        "ffv1", "huffyuv", "svq1", "svq3", "cinepak", "qtrle", "png",
    }
)  # fmt: skip

AUDIO = frozenset(
    {
        "aac", "aac_latm", "mp1", "mp2", "mp3", "ac3", "eac3", "dts", "opus", "vorbis", "flac",
        "alac", "wmav1", "wmav2", "wmapro", "wmalossless", "amr_nb", "amr_wb", "nellymoser",
        "speex", "truehd", "mlp", "adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt", "adpcm_swf",
    }
)  # fmt: skip

# Decoders as `-codec_whitelist` wants them: some codecs have decoders of other names.
DECODERS = ",".join(
    sorted(
        (VIDEO | AUDIO)
        - {"flv1", "dts", "amr_nb", "amr_wb"}
        | {
            "flv", "dca", "amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb",
            "libdav1d", "libaom-av1", "libvpx", "libvpx-vp9", "mp1float", "mp2float", "mp3float",
            "libopus", "libvorbis", "libspeex", "pcm_s8", "pcm_u8", "pcm_s16le",
            "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le",
            "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw", "pcm_bluray", "pcm_dvd",
        }
    )
)  # fmt: skip


def is_accepted_audio(name: str) -> bool:
    """Whether a codec is one of `AUDIO` or plain PCM."""
    return name in AUDIO or name.startswith("pcm_")
