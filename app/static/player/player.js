// The player page: waits until the video can be played, then plays it.
import { bindControls } from "./controls.js";
import { bindKeys } from "./keys.js";
import { readStoryboard, bindPreview } from "./storyboard.js";
import { open, waitUntilPlayable } from "./stream.js";

const root = document.querySelector("[data-player]");
const video = root.querySelector("video");
const parts = Object.fromEntries(
  [...root.querySelectorAll("[data-part]")].map((element) => [element.dataset.part, element]),
);

function say(words, { progress = null, again = null } = {}) {
  parts.notice.hidden = words === "";
  parts.words.textContent = words;
  parts.progress.hidden = progress === null;
  if (progress !== null) parts.progress.value = Math.round(progress * 100);
  parts.again.hidden = again === null;
  parts.again.onclick = again;
}

async function start() {
  say("Loading…");
  let waited = false;
  let furthest = 0;
  const status = await waitUntilPlayable(root.dataset.status, (now) => {
    waited = true;
    furthest = Math.max(furthest, now.progress ?? 0);
    say(now.words, { progress: now.progress === null ? null : furthest });
  });
  if (status.poster) video.poster = root.dataset.poster;

  const stream = await open(video, root.dataset.manifest, {
    withCookies: root.dataset.credentials === "include",
    onBroken: (words) => say(words, { again: () => location.reload() }),
  });
  bindControls(root, video, parts, stream);
  bindKeys(root, video, parts);
  say("");
  if (status.storyboard) {
    const tiles = await readStoryboard(root.dataset.storyboard);
    bindPreview(video, parts, tiles);
  }
  // Who has waited for it wants to see it.
  if (waited) await playOrShowHow();
}

async function playOrShowHow() {
  try {
    await video.play();
  } catch {
    // Browsers refuse sound that nobody asked for by a click.
    video.muted = true;
    await video.play().catch(() => {});
  }
}

start().catch((error) => {
  say(error.message || "The video cannot be played.", { again: () => location.reload() });
});
