import { z } from 'zod'

/** One of `words` in any case, answered in its canonical one. */
export function word<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.preprocess((value) => canonicalWord(words, value), z.enum(words))
}

/** An int32; numeric strings count, as templates send them. */
export const wholeNumber = z.preprocess(numberOf, z.int32())

/** A whole number of bytes; numeric strings count. */
export const byteCount = z.preprocess(numberOf, z.int().nonnegative())

export const flag = z.preprocess((value) => {
  if (typeof value !== 'string') return value
  return ({ true: true, false: false } as Record<string, boolean>)[value.toLowerCase()] ?? value
}, z.boolean())

/** `yyyy-MM-dd` or ISO 8601 (UTC where no zone is said), answered as Azure writes times. */
export const date = z.string().transform((text, context) => {
  const atMs = parseTime(text)
  if (atMs !== undefined) return formatTime(new Date(atMs))
  context.addIssue({
    code: 'custom',
    message: `Could not convert string to DateTimeOffset: ${text}. It is not a date: write yyyy-MM-dd or yyyy-MM-ddTHH:mm:ssZ.`,
  })
  return z.NEVER
})

/** What every tracked resource has beside its properties. */
export const tracked = {
  location: z.string().min(1),
  tags: z.record(z.string(), z.string()).exactOptional(),
}

/** `2023-06-25T12:45:41.119+00:00`, trailing zeros of the fraction trimmed. */
export function formatTime(at: Date): string {
  return at.toISOString().replace(/\.?0*Z$/, '+00:00')
}

const timePattern =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)([Zz]|[+-]\d{2}:?\d{2})?)?$/

/** Epoch milliseconds; undefined for what is not a time of the calendar. */
export function parseTime(text: string): number | undefined {
  const [whole, year, month, day, time = '00:00', zone = 'Z'] = timePattern.exec(text) ?? []
  if (whole === undefined) return undefined
  // JavaScript reads 30 February as 2 March.
  const daysOfMonth = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  if (Number(day) > daysOfMonth) return undefined
  const offset = zone.toUpperCase() === 'Z' ? 'Z' : zone.replace(/^(...):?(..)$/, '$1:$2')
  const atMs = Date.parse(`${year}-${month}-${day}T${time}${offset}`)
  return Number.isNaN(atMs) ? undefined : atMs
}

function canonicalWord(words: readonly string[], value: unknown): unknown {
  if (typeof value !== 'string') return value
  return words.find((known) => known.toLowerCase() === value.toLowerCase()) ?? value
}

function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^\s*-?\d{1,15}\s*$/.test(value) ? Number(value) : value
}
