/** Every bound of the client, each with its reason. */
export const clientLimits = {
  /** More parallel connections gain nothing on one link. */
  socketsMax: 32,
  /** A server that says nothing for this long is gone. */
  silenceMs: 100_000,
  /** A joined read is 4 MiB and a list page far less. */
  answerBytesMax: 16 * 1024 * 1024,
  /** Attempts of one request; with the backoff below about half a minute. */
  attemptsMax: 8,
  backoffFirstMs: 200,
  backoffMaxMs: 10_000,
  /** A server may ask for patience, but not for ever. */
  retryAfterMaxMs: 60_000,
  /** Polls of one operation: a day and more at one a second. */
  pollsMax: 200_000,
  /** Between polls when the server names no time. */
  pollMs: 1_000,
  /** Pages of one list: 100 rows each. */
  listPagesMax: 1_000,
  /** A token is renewed when this much of its life is left. */
  tokenSpareMs: 120_000,

  /** Blocks of an upload or download: what Put Page takes at most. */
  blockBytes: 4 * 1024 * 1024,
  /** Blocks under way at once. */
  blocksAtOnce: 6,
  /** Leaves of 16 MiB that are read, hashed and sent at once: the memory of an upload, and what a cut loses of it. */
  leavesAtOnce: 2,
  /** Blocks of one leaf under way at once. */
  leafBlocksAtOnce: 3,
  /** Chunks of a parent that are known by their content: 8 GiB of its data, for some 20 MB of memory. */
  parentChunksMax: 131_072,
  /** A download is made durable, and noted for resume, this often: 64 MiB. */
  blocksPerSync: 16,
  /** Pieces that are looked at for zeros. */
  pieceBytes: 64 * 1024,
  /** A gap of zeros up to this is sent along: a request costs more. */
  gapBytes: 256 * 1024,
  /** Pages of a page list: 10,000 ranges each. */
  pageListsMax: 10_000,
  /** Rates are measured over this long. */
  rateWindowMs: 5_000,
} as const
