/** Proxies as the environment names them; what they mean is Node's to say (`proxyEnv` of its agents). */

export type Proxies = Partial<Record<'HTTP_PROXY' | 'HTTPS_PROXY' | 'NO_PROXY', string | undefined>>;

/** The lower-case name counts first, as curl has it. */
export function proxiesOfEnvironment(): Proxies {
  const { env } = process;
  return {
    HTTP_PROXY: env.http_proxy ?? env.HTTP_PROXY,
    HTTPS_PROXY: env.https_proxy ?? env.HTTPS_PROXY,
    NO_PROXY: env.no_proxy ?? env.NO_PROXY,
  };
}
