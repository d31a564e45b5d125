// From the address of a manifest to a playing <video>: hls.js, or the browser's own HLS.

const POLL_MS = 1000;

// What the page says for the states of an asset (`state` of /<playback id>/status).
const WAITING = {
  created: "Waiting for the upload.",
  ingesting: "The upload is being checked.",
  processing: "The video is being processed. It starts by itself when it is ready.",
};

export class PlaybackError extends Error {}

/** The status once the video can be played; `onWait({words, progress})` until then. */
export async function waitUntilPlayable(url, onWait) {
  for (;;) {
    let answer = null;
    try {
      answer = await fetch(url, { cache: "no-store" });
    } catch {
      onWait({ words: "No connection. Trying again…", progress: null });
    }
    if (answer !== null) {
      const body = await answer.json().catch(() => ({}));
      if (answer.status >= 400 && answer.status < 500) {
        throw new PlaybackError(body.detail ?? "This video cannot be opened.");
      }
      if (body.playable) return body;
      if (body.state === "failed") {
        throw new PlaybackError(body.message ?? "The video could not be processed.");
      }
      onWait({ words: WAITING[body.state] ?? "Trying again…", progress: body.progress ?? null });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * Attaches the manifest to the video.
 *
 * `withCookies`: whether media on another host is asked for with cookies. Gives {levels: [{index,
 * height, bitrate}], choose(index), onLevel(callback)}; index -1 is automatic. Without levels, the
 * browser chooses by itself.
 */
export function open(video, manifest, { withCookies, onBroken }) {
  // Safari's own HLS can hand over to AirPlay, which media source extensions cannot.
  const native = video.canPlayType("application/vnd.apple.mpegurl") !== "";
  const prefersNative = native && "WebKitPlaybackTargetAvailabilityEvent" in window;
  if (!prefersNative && window.Hls?.isSupported()) {
    return openWithHls(video, manifest, withCookies, onBroken);
  }
  if (native) return openNatively(video, manifest, onBroken);
  throw new PlaybackError("This browser cannot play adaptive video. A newer one can.");
}

function openNatively(video, manifest, onBroken) {
  video.addEventListener("error", () => onBroken("The video cannot be played any further."));
  video.src = manifest;
  return { levels: [], choose() {}, onLevel() {} };
}

function openWithHls(video, manifest, withCookies, onBroken) {
  const { Hls } = window;
  const xhrSetup = (request) => {
    request.withCredentials = withCookies;
  };
  const hls = new Hls({ backBufferLength: 60, maxBufferLength: 30, xhrSetup });
  let repaired = 0;
  hls.on(Hls.Events.ERROR, (_event, problem) => {
    if (!problem.fatal) return;
    repaired += 1;
    const refused = [401, 403, 404, 410].includes(problem.response?.code);
    if (repaired > 3 || (refused && repaired > 1)) {
      hls.destroy();
      onBroken(words(problem, refused));
    } else if (problem.type === Hls.ErrorTypes.MEDIA_ERROR) {
      hls.recoverMediaError();
    } else if (refused || hls.levels.length === 0) {
      // What a manifest hands out lasts some hours; a new one may be had by asking.
      const at = video.currentTime;
      hls.once(Hls.Events.MANIFEST_PARSED, () => hls.startLoad(at));
      hls.loadSource(manifest);
    } else {
      hls.startLoad();
    }
  });
  return new Promise((resolve) => {
    hls.once(Hls.Events.MANIFEST_PARSED, () => {
      resolve({
        levels: hls.levels.map(({ height, bitrate }, index) => ({ index, height, bitrate })),
        choose: (index) => {
          hls.nextLevel = index;
        },
        onLevel: (callback) =>
          hls.on(Hls.Events.LEVEL_SWITCHED, (_event, { level }) => callback(level)),
      });
    });
    hls.loadSource(manifest);
    hls.attachMedia(video);
  });
}

function words(problem, refused) {
  if (refused) return "The link to this video has expired or was taken back.";
  if (problem.type === "networkError") return "The connection was lost.";
  return "The video cannot be played any further.";
}
