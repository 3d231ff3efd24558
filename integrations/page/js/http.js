// What is asked of the daemon's server besides messages.

export class Refused extends Error {}

export async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused("the daemon does not answer");
  }
  if (response.ok) return response;
  if (response.status === 401 && location.pathname !== "/token") location.assign("/token");
  let text = response.statusText;
  try {
    const { message, hint } = await response.json();
    text = [message, hint].filter(Boolean).join("; ");
  } catch {
    // it is no JSON: the status says it
  }
  throw new Refused(text);
}

export async function askJson(path, options = {}) {
  return (await ask(path, options)).json();
}

export function post(path, value, signal) {
  return askJson(path, { method: "POST", body: JSON.stringify(value), signal });
}
