// tus-js-client, as a program: uploads a file and tells on standard output, a JSON object a line,
// what happens. Arguments: the folder with node_modules, and the options as JSON.
"use strict";

const fs = require("node:fs");
const { createRequire } = require("node:module");

const [folder, encoded] = process.argv.slice(2);
const tus = createRequire(`${folder}/package.json`)("tus-js-client");
const options = JSON.parse(encoded);

const tell = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);
let pauseAt = options.pauseAt ?? Infinity;
let terminateAt = options.terminateAt ?? Infinity;

const upload = new tus.Upload(fs.readFileSync(options.file), {
  endpoint: options.endpoint,
  headers: { Authorization: `Bearer ${options.token}` },
  metadata: options.metadata ?? {},
  chunkSize: options.chunkSize ?? Infinity,
  parallelUploads: options.parallelUploads ?? 1,
  uploadDataDuringCreation: options.uploadDataDuringCreation ?? false,
  uploadLengthDeferred: false,
  retryDelays: Array(100).fill(200),
  onUploadUrlAvailable: () => tell("place", { url: upload.url }),
  onShouldRetry: (error) => {
    tell("retry", { status: error.originalResponse?.getStatus() ?? 0 });
    return true;
  },
  onChunkComplete: (_size, accepted) => {
    tell("chunk", { accepted });
    if (accepted >= terminateAt) {
      terminateAt = Infinity;
      upload.abort(true).then(() => tell("terminated"));
    } else if (accepted >= pauseAt) {
      pauseAt = Infinity;
      upload.abort().then(() => {
        tell("paused", { accepted });
        upload.start();
      });
    }
  },
  onSuccess: () => tell("done", { url: upload.url }),
  onError: (error) => {
    tell("failed", { message: error.message });
    process.exitCode = 1;
  },
});

upload.start();
