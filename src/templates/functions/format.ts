import type { Json } from '../../domain/rows.ts'
import { type Call, refused } from './function.ts'

/** `{0}`, `{0,10}`, `{0:N0}`, `{{` and `}}`. */
const partForm = /\{\{|\}\}|\{(\d{1,4})(?:,\s*(-?\d{1,4}))?(?::([^{}]*))?\}|[{}]/g

/** .NET's composite formatting, in English. */
export function formatted(text: string, values: readonly Json[], call: Call): string {
  const { meter } = call.context.template
  return text.replaceAll(partForm, (part, index?: string, width?: string, form?: string) => {
    if (part === '{{' || part === '}}') return part.slice(1)
    if (index === undefined)
      throw refused(call.name, 'the format string has a brace that is not closed or not opened.')
    const value = values[Number(index)]
    if (value === undefined)
      throw refused(
        call.name,
        `the format string names the argument '${index}', which is not given.`,
      )
    const shown = shownAs(value, form ?? '', call)
    const columns = Number(width ?? 0)
    meter.spend(Math.max(shown.length, Math.abs(columns)))
    return columns < 0 ? shown.padEnd(-columns) : shown.padStart(columns)
  })
}

function shownAs(value: Json, form: string, call: Call): string {
  if (value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return form === '' ? String(value) : numberAs(value, form, call)
  return JSON.stringify(value).replaceAll('"', "'")
}

const standardForm = /^([DFNGPXE])(\d{0,2})$/i

function numberAs(value: number, form: string, call: Call): string {
  const [, kind = '', precision = ''] = standardForm.exec(form) ?? []
  if (kind === '') return customAs(value, form, call)
  const digits = precision === '' ? 2 : Number(precision)
  switch (kind.toUpperCase()) {
    case 'N':
      return grouped(value, digits)
    case 'F':
      return value.toFixed(digits)
    case 'P':
      return `${grouped(value * 100, digits)} %`
    case 'G':
      return String(value)
    case 'D':
      return `${value < 0 ? '-' : ''}${String(Math.abs(value)).padStart(Number(precision), '0')}`
    case 'X': {
      const hexadecimal = BigInt.asUintN(64, BigInt(Math.trunc(value))).toString(16)
      const padded = hexadecimal.padStart(Number(precision), '0')
      return kind === 'X' ? padded.toUpperCase() : padded
    }
    default:
      throw refused(call.name, `the number format '${form}' is not known here.`)
  }
}

function grouped(value: number, digits: number): string {
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}

/** `000`, `#,##0`, `0.00`. */
function customAs(value: number, form: string, call: Call): string {
  const [, whole = '', fraction = ''] = /^([#,]*[0,]*)(?:\.(0*))?$/.exec(form) ?? []
  if (form === '' || (whole === '' && fraction === ''))
    throw refused(call.name, `the number format '${form}' is not known here.`)
  const least = whole.replaceAll(/[#,]/g, '').length
  return value.toLocaleString('en-US', {
    useGrouping: whole.includes(','),
    minimumIntegerDigits: Math.min(21, Math.max(1, least)),
    minimumFractionDigits: Math.min(20, fraction.length),
    maximumFractionDigits: Math.min(20, fraction.length),
  })
}
