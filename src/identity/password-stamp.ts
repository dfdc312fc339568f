import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Person } from '../domain/signin-rows.ts'

/** Names the password that somebody has now, and tells nothing of it: what was had by another one is good no more. */
export function passwordStamp(
  key: Uint8Array,
  { id, passwordHash }: Pick<Person, 'id' | 'passwordHash'>,
): string | undefined {
  if (passwordHash === undefined) return undefined
  return createHmac('sha256', key).update(`password\n${id}\n${passwordHash}`).digest('base64url')
}

/** Whether it is of the password that he has now. */
export function isStampOf(key: Uint8Array, person: Person, stamp: string | undefined): boolean {
  const now = passwordStamp(key, person)
  if (now === undefined || stamp?.length !== now.length) return false
  return timingSafeEqual(Buffer.from(now), Buffer.from(stamp))
}
