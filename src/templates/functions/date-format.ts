const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** .NET's standard formats of one letter, in English, as custom ones. */
const standard: Readonly<Record<string, string>> = {
  d: 'M/d/yyyy',
  D: 'dddd, MMMM d, yyyy',
  f: 'dddd, MMMM d, yyyy h:mm tt',
  F: 'dddd, MMMM d, yyyy h:mm:ss tt',
  g: 'M/d/yyyy h:mm tt',
  G: 'M/d/yyyy h:mm:ss tt',
  m: 'MMMM d',
  M: 'MMMM d',
  o: "yyyy-MM-dd'T'HH:mm:ss.fffffffK",
  O: "yyyy-MM-dd'T'HH:mm:ss.fffffffK",
  r: "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
  R: "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
  s: "yyyy'-'MM'-'dd'T'HH':'mm':'ss",
  t: 'h:mm tt',
  T: 'h:mm:ss tt',
  u: "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
  U: 'dddd, MMMM d, yyyy h:mm:ss tt',
  y: 'MMMM yyyy',
  Y: 'MMMM yyyy',
}

const partForm = /'[^']*'|"[^"]*"|\\.|y+|M+|d+|H+|h+|m+|s+|f+|F+|t+|K|z+|[\s\S]/g

/** A moment in UTC as .NET formats it, by a standard or a custom format, in English. */
export function formattedDate(ms: number, form: string): string {
  const date = new Date(ms)
  const custom = form.length === 1 ? (standard[form] ?? form) : form
  return custom.replaceAll(partForm, (part) => partOf(date, part))
}

/** The format that a date was written in: ISO 8601 stays it; all else becomes the general one. */
export function dateForm(text: string): string {
  if (/^\d{8}T\d{6}Z$/.test(text)) return 'yyyyMMddTHHmmssZ'
  return /^\d{4}-\d{2}-\d{2}T/.test(text) ? 'yyyy-MM-ddTHH:mm:ssZ' : 'G'
}

function partOf(date: Date, part: string): string {
  const first = part[0] ?? ''
  if (first === '\\') return part.slice(1)
  if ((first === "'" || first === '"') && part.length > 1) return part.slice(1, -1)
  const digits = (value: number) => String(value).padStart(Math.min(part.length, 2), '0')
  switch (first) {
    case 'y':
      return part.length < 3
        ? digits(date.getUTCFullYear() % 100)
        : String(date.getUTCFullYear()).padStart(part.length, '0')
    case 'M':
      return named(part, months[date.getUTCMonth()] ?? '') ?? digits(date.getUTCMonth() + 1)
    case 'd':
      return named(part, days[date.getUTCDay()] ?? '') ?? digits(date.getUTCDate())
    case 'H':
      return digits(date.getUTCHours())
    case 'h':
      return digits(date.getUTCHours() % 12 === 0 ? 12 : date.getUTCHours() % 12)
    case 'm':
      return digits(date.getUTCMinutes())
    case 's':
      return digits(date.getUTCSeconds())
    case 't':
      return (date.getUTCHours() < 12 ? 'AM' : 'PM').slice(0, part.length)
    case 'f':
    case 'F':
      return fraction(date, part)
    case 'K':
      return 'Z'
    case 'z':
      return part.length > 2 ? '+00:00' : '+00'.slice(0, part.length + 1)
    default:
      return part
  }
}

/** `ddd` and `MMM` are short names, longer ones whole names. */
function named(part: string, name: string): string | undefined {
  if (part.length < 3) return undefined
  return part.length === 3 ? name.slice(0, 3) : name
}

function fraction(date: Date, part: string): string {
  const digits = `${String(date.getUTCMilliseconds()).padStart(3, '0')}0000`.slice(0, part.length)
  return part.startsWith('F') ? digits.replace(/0+$/, '') : digits
}
