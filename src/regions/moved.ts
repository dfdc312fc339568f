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
  /** Found damaged and good nowhere else. */
  packsDamaged: number
  packsRepaired: number
  repairedBytes: number
}

export function nothingMoved(): Moved {
  return {
    uploadedBytes: 0,
    downloadedBytes: 0,
    ingestedBytes: 0,
    replicatedBytes: 0,
    packsDamaged: 0,
    packsRepaired: 0,
    repairedBytes: 0,
  }
}
