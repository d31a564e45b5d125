// The small picture above the position bar: a tile of the storyboard's sheets.
import { clock } from "./controls.js";

const TIMING = /^([\d:.]+)\s+-->\s+([\d:.]+)/;
const TILE = /^(\S+)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)/;

function seconds(stamp) {
  return stamp.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** The tiles of a WebVTT index: [{start, sheet, x, y, width, height}] by start. */
export async function readStoryboard(url) {
  const answer = await fetch(url).catch(() => null);
  if (!answer?.ok) return [];
  const tiles = [];
  let start = null;
  for (const line of (await answer.text()).split(/\r?\n/)) {
    const timing = TIMING.exec(line);
    const tile = TILE.exec(line);
    if (timing) {
      start = seconds(timing[1]);
    } else if (tile && start !== null) {
      const [x, y, width, height] = tile.slice(2).map(Number);
      tiles.push({ start, sheet: new URL(tile[1], answer.url).href, x, y, width, height });
      start = null;
    }
  }
  return tiles;
}

export function bindPreview(video, parts, tiles) {
  const { seek, preview, tile, moment } = parts;
  if (tiles.length === 0) return;
  const show = (event) => {
    const box = seek.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const at = part * (video.duration || 0);
    const shown = tiles.findLast((candidate) => candidate.start <= at) ?? tiles[0];
    tile.style.width = `${shown.width}px`;
    tile.style.height = `${shown.height}px`;
    tile.style.backgroundImage = `url("${shown.sheet}")`;
    tile.style.backgroundPosition = `-${shown.x}px -${shown.y}px`;
    moment.textContent = clock(at);
    preview.hidden = false;
    const half = preview.offsetWidth / 2;
    const middle = Math.min(box.width - half, Math.max(half, part * box.width));
    preview.style.left = `${middle}px`;
  };
  const hide = () => {
    preview.hidden = true;
  };
  seek.addEventListener("pointermove", show);
  seek.addEventListener("pointerdown", show);
  for (const event of ["pointerleave", "pointercancel", "blur"]) seek.addEventListener(event, hide);
}
