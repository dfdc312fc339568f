/** What this process has moved since its start: who moves adds to it, who watches reads it. */
export type Moved = {
  /** Pages of uploads that were kept. */
  uploadedBytes: number
  /** Plain bytes of disks that were given to readers. */
  downloadedBytes: number
  /** Stored bytes that ingested disks added to spaces. */
  ingestedBytes: number
  /** Stored bytes that copies added to spaces. */
  replicatedBytes: number
  /** Times that a disk image was found to lack something that no space has. */
  imagesDamaged: number
  /** Stored bytes of packs that were read to be checked. */
  scrubbedBytes: number
  packsRepaired: number
  repairedBytes: number
}

export function nothingMoved(): Moved {
  return {
    uploadedBytes: 0,
    downloadedBytes: 0,
    ingestedBytes: 0,
    replicatedBytes: 0,
    imagesDamaged: 0,
    scrubbedBytes: 0,
    packsRepaired: 0,
    repairedBytes: 0,
  }
}
