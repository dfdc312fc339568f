import { unknown } from '../context.ts'
import { TemplateProblem } from '../problem.ts'
import { dateForm, formattedDate } from './date-format.ts'
import { type FunctionGroup, form, integerAt, made, refused, stringAt } from './function.ts'

const dayMs = 86_400_000

export const dateFunctions: FunctionGroup = {
  utcNow: form(0, 1, ({ name, args, context, evaluate }) => {
    if (context.section !== 'default') throw onlyInDefaults(name)
    const [arg] = args
    const wanted = arg === undefined ? 'yyyyMMddTHHmmssZ' : evaluate(arg, context)
    if (wanted === unknown) return unknown
    return formattedDate(context.template.nowMs, stringAt([wanted], 0, { name, context }))
  }),
  newGuid: form(0, 0, ({ name, context }) => {
    if (context.section !== 'default') throw onlyInDefaults(name)
    return context.template.newGuid()
  }),
  dateTimeAdd: made(2, 3, (args, call) => {
    const text = stringAt(args, 0, call)
    const startMs = readDate(text)
    if (startMs === undefined) throw refused(call.name, `'${text}' is no date.`)
    const stepMs = readDuration(stringAt(args, 1, call))
    if (stepMs === undefined)
      throw refused(call.name, 'its second argument must be an ISO 8601 duration, as P1Y2DT3H.')
    const endMs = startMs + stepMs
    if (Number.isNaN(new Date(endMs).getTime()) || endMs < 0 - 62_135_596_800_000)
      throw refused(call.name, 'its result is beyond the dates there are.')
    return formattedDate(endMs, args.length > 2 ? stringAt(args, 2, call) : dateForm(text))
  }),
  dateTimeFromEpoch: made(1, 1, (args, call) => {
    const ms = integerAt(args, 0, call) * 1000
    if (Number.isNaN(new Date(ms).getTime())) throw refused(call.name, 'its argument is no date.')
    return formattedDate(ms, 'yyyy-MM-ddTHH:mm:ssZ')
  }),
  dateTimeToEpoch: made(1, 1, (args, call) => {
    const ms = readDate(stringAt(args, 0, call))
    if (ms === undefined) throw refused(call.name, 'its argument is no date.')
    return Math.floor(ms / 1000)
  }),
}

function onlyInDefaults(name: string): TemplateProblem {
  return new TemplateProblem(
    `The template function '${name}' is not expected at this location. It can only be used as a default value of a parameter. Please see https://aka.ms/arm-functions for usage details.`,
  )
}

const isoForm =
  /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ](\d{2}):?(\d{2}):?(\d{2})(?:\.(\d{1,7}))?)?\s*(Z|[+-]\d{2}:?\d{2})?$/

/** Milliseconds since 1970; a date without a zone is of UTC. Undefined for what is no date. */
function readDate(text: string): number | undefined {
  const iso = isoForm.exec(text.trim())
  const normal =
    iso === null
      ? `${text} UTC`
      : `${iso[1]}-${iso[2]}-${iso[3]}T${iso[4] ?? '00'}:${iso[5] ?? '00'}:${iso[6] ?? '00'}.${(iso[7] ?? '0').slice(0, 3)}${zoneOf(iso[8])}`
  const ms = text.length > 64 ? Number.NaN : Date.parse(normal)
  return Number.isNaN(ms) ? undefined : ms
}

function zoneOf(zone: string | undefined): string {
  if (zone === undefined || zone === 'Z') return 'Z'
  return zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`
}

const durationForm =
  /^(-?)P(?=\d|T\d)(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,8})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.\d+)?S)?)?$/

/** As .NET reads it: a year is 365 days, a month 30. */
function readDuration(text: string): number | undefined {
  const found = durationForm.exec(text.slice(0, 64))
  if (found === null) return undefined
  const [, sign, ...parts] = found
  const unitsMs = [365 * dayMs, 30 * dayMs, 7 * dayMs, dayMs, 3_600_000, 60_000, 1000]
  const sumMs = unitsMs.reduce((sum, unitMs, at) => sum + unitMs * Number(parts[at] ?? 0), 0)
  return sign === '-' ? -sumMs : sumMs
}
