// The bar below the picture. Every control is a native one, so keyboards and readers know it.

const HIDE_AFTER_MS = 2500;

export function clock(seconds) {
  // Half a millisecond on top: the sum of segments falls short of a whole second by less.
  const whole = Number.isFinite(seconds) ? Math.floor(seconds + 0.0005) : 0;
  const [hours, minutes, rest] = [whole / 3600, (whole % 3600) / 60, whole % 60].map(Math.floor);
  const tail = `${String(rest).padStart(2, "0")}`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

export function togglePlay(video) {
  if (video.paused) video.play().catch(() => {});
  else video.pause();
}

export function toggleFullscreen(root, video) {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (root.requestFullscreen) root.requestFullscreen().catch(() => {});
  else video.webkitEnterFullscreen?.(); // An iPhone gives the whole screen to videos only.
}

export function bindControls(root, video, parts, stream) {
  parts.bar.hidden = false;
  bindPlay(root, video, parts);
  bindSeek(video, parts);
  bindVolume(video, parts);
  bindQuality(parts, stream);
  bindHiding(root, video);
  parts.fullscreen.addEventListener("click", () => toggleFullscreen(root, video));
  document.addEventListener("fullscreenchange", () => {
    const full = document.fullscreenElement === root;
    root.classList.toggle("full", full);
    parts.fullscreen.setAttribute("aria-label", full ? "Leave full screen" : "Full screen");
  });
}

function bindPlay(root, video, parts) {
  const show = () => {
    root.classList.toggle("playing", !video.paused);
    parts.play.setAttribute("aria-label", video.paused ? "Play" : "Pause");
    // The large button is for the beginning only; later it would hide the picture.
    parts.start.hidden = !video.paused || video.currentTime > 0;
  };
  for (const event of ["play", "pause", "ended", "seeked"]) video.addEventListener(event, show);
  for (const button of [parts.play, parts.start]) {
    button.addEventListener("click", () => togglePlay(video));
  }
  video.addEventListener("click", () => togglePlay(video));
  video.addEventListener("waiting", () => root.classList.add("stalled"));
  for (const event of ["playing", "pause", "seeked"]) {
    video.addEventListener(event, () => root.classList.remove("stalled"));
  }
  show();
}

function bindSeek(video, parts) {
  const { seek } = parts;
  let held = false;
  const show = () => {
    const length = video.duration || 0;
    seek.max = String(length || 1);
    if (!held) seek.value = String(video.currentTime);
    seek.setAttribute("aria-valuetext", `${clock(video.currentTime)} of ${clock(length)}`);
    seek.style.setProperty("--played", `${length ? (Number(seek.value) / length) * 100 : 0}%`);
    parts.now.textContent = clock(Number(seek.value));
    parts.length.textContent = clock(length);
    const { buffered } = video;
    const end = buffered.length ? buffered.end(buffered.length - 1) : 0;
    parts.buffered.style.width = `${length ? Math.min(100, (end / length) * 100) : 0}%`;
  };
  for (const event of ["timeupdate", "durationchange", "progress", "seeking", "seeked"]) {
    video.addEventListener(event, show);
  }
  seek.addEventListener("input", () => {
    held = true;
    show();
    video.currentTime = Number(seek.value);
  });
  seek.addEventListener("change", () => {
    held = false;
  });
  show();
}

function bindVolume(video, parts) {
  const show = () => {
    const silent = video.muted || video.volume === 0;
    parts.mute.classList.toggle("silent", silent);
    parts.mute.setAttribute("aria-label", silent ? "Unmute" : "Mute");
    parts.volume.value = String(silent ? 0 : video.volume);
  };
  parts.mute.addEventListener("click", () => {
    video.muted = !video.muted;
  });
  parts.volume.addEventListener("input", () => {
    video.volume = Number(parts.volume.value);
    video.muted = video.volume === 0;
  });
  video.addEventListener("volumechange", show);
  show();
}

function bindQuality(parts, stream) {
  if (stream.levels.length < 2) return;
  const { quality } = parts;
  const automatic = new Option("Auto", "-1", true, true);
  const named = [...stream.levels].sort((a, b) => b.height - a.height || b.bitrate - a.bitrate);
  quality.replaceChildren(
    automatic,
    ...named.map(({ index, height, bitrate }) =>
      new Option(height ? `${height}p` : `${Math.round(bitrate / 1000)} kbit/s`, String(index))),
  );
  quality.addEventListener("change", () => stream.choose(Number(quality.value)));
  stream.onLevel((index) => {
    const { height } = stream.levels[index];
    automatic.textContent = height ? `Auto (${height}p)` : "Auto";
  });
  parts["quality-label"].hidden = false;
}

function bindHiding(root, video) {
  let timer = 0;
  const wake = () => {
    root.classList.remove("idle");
    clearTimeout(timer);
    timer = setTimeout(() => {
      const inUse = root.querySelector(".bar :focus-visible");
      if (!video.paused && !inUse) root.classList.add("idle");
    }, HIDE_AFTER_MS);
  };
  for (const event of ["pointermove", "pointerdown", "focusin", "keydown"]) {
    root.addEventListener(event, wake);
  }
  for (const event of ["play", "pause"]) video.addEventListener(event, wake);
}
