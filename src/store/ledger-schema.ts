/** Replicas of a version in a region, from one instant to another; still there while `until_ms` is null. */
export type IntervalTable = {
  version_key: string
  region: string
  since_ms: number
  until_ms: number | null
  version_id: string
  storage_type: string
  replicas: number
  occupied_bytes: number
}

/** What came from one region to another for a version in the hour that began at `hour_ms`. */
export type MoveTable = {
  version_key: string
  to_region: string
  hour_ms: number
  from_region: string
  version_id: string
  billed_bytes: number
  moved_bytes: number
  took_ms: number
}
