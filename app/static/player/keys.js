// Keys that work wherever the focus is on the page, unless a control has its own use for them.
import { toggleFullscreen, togglePlay } from "./controls.js";

const STEP_SECONDS = 5;
const LEAP_SECONDS = 10;

export function bindKeys(root, video, parts) {
  const seekBy = (seconds) => {
    const end = Number.isFinite(video.duration) ? video.duration : Infinity;
    video.currentTime = Math.min(end, Math.max(0, video.currentTime + seconds));
  };
  const louder = (step) => {
    video.muted = false;
    video.volume = Math.min(1, Math.max(0, video.volume + step));
  };
  const keys = {
    " ": () => togglePlay(video),
    k: () => togglePlay(video),
    j: () => seekBy(-LEAP_SECONDS),
    l: () => seekBy(LEAP_SECONDS),
    ArrowLeft: () => seekBy(-STEP_SECONDS),
    ArrowRight: () => seekBy(STEP_SECONDS),
    ArrowUp: () => louder(0.1),
    ArrowDown: () => louder(-0.1),
    Home: () => seekBy(-Infinity),
    m: () => parts.mute.click(),
    f: () => toggleFullscreen(root, video),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const at = event.target;
    if (at instanceof HTMLSelectElement || at instanceof HTMLTextAreaElement) return;
    if (at instanceof HTMLButtonElement && event.key === " ") return;
    if (at instanceof HTMLInputElement && /^(Arrow|Home)/.test(event.key)) return;
    const act = /^[0-9]$/.test(event.key)
      ? () => {
          if (Number.isFinite(video.duration)) {
            video.currentTime = (video.duration * Number(event.key)) / 10;
          }
        }
      : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
