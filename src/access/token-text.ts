import { z } from 'zod'

/** What is said in a token about who made it, before anything of it is verified; undefined for what is no signed token. */
export function readUnverified(token: string): { readonly iss: unknown } | undefined {
  const [head, body, signature, more] = token.split('.')
  if (!head || !body || signature === undefined || more !== undefined) return undefined
  const [header, claims] = [readPart(head), readPart(body)]
  return header && claims ? { iss: Reflect.get(claims, 'iss') } : undefined
}

/** An object that names no member twice: of two, readers would choose differently. */
function readPart(part: string): object | undefined {
  const text = Buffer.from(part, 'base64url').toString()
  try {
    const parsed = z.record(z.string(), z.unknown()).safeParse(JSON.parse(text))
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
