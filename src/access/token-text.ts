import { z } from 'zod'

/** base64url without padding: decoders differ in what else they let pass. */
const form = /^([\w-]+)\.([\w-]+)\.[\w-]+$/

type Unverified = { readonly iss: unknown; readonly crit: unknown; readonly typ: unknown }

/** What a token says of itself before anything of it is verified; undefined for what is no signed token. */
export function readUnverified(token: string): Unverified | undefined {
  const [, head = '', body = ''] = form.exec(token) ?? []
  const [header, claims] = [readPart(head), readPart(body)]
  return header && claims && { iss: claims.iss, crit: header.crit, typ: header.typ }
}

const Part = z.looseObject({
  iss: z.unknown().optional(),
  crit: z.unknown().optional(),
  typ: z.unknown().optional(),
})
type Part = z.output<typeof Part>

/** An object that names no member twice: of two, readers would choose differently. */
function readPart(part: string): Part | undefined {
  const text = Buffer.from(part, 'base64url').toString()
  try {
    const parsed = Part.safeParse(JSON.parse(text))
    return parsed.success && !namesTwice(text) ? parsed.data : undefined
  } catch {
    return undefined
  }
}

/** Whether an object anywhere in this JSON has two members of one name. */
function namesTwice(json: string): boolean {
  const open: (Set<string> | undefined)[] = []
  for (const [token, , colon] of json.matchAll(/"(?:[^"\\]|\\.)*"(\s*(:))?|[{}[\]]/gs)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (colon) {
      const name: unknown = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1))
      const names = open.at(-1)
      if (typeof name !== 'string' || names?.has(name)) return true
      names?.add(name)
    }
  }
  return false
}
