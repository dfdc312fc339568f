import { escaped } from '../storage/blob-error.ts'

/** An element with text; left out when there is none. */
export function element(name: string, text: string | number | undefined): string {
  return text === undefined ? '' : `<${name}>${escaped(String(text))}</${name}>`
}

export function xmlAnswer(body: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`<?xml version="1.0" encoding="utf-8"?>${body}`, {
    headers: { 'content-type': 'application/xml', ...headers },
  })
}
