/** What people do to hosts by hand. Each must be shown by `plan` and mended by `apply`. */
export interface Drift {
  readonly host: string;
  /** For people. */
  readonly what: string;
  readonly script: string;
  /** What `plan` names. */
  readonly resource: RegExp;
}

export const DRIFT: readonly Drift[] = [
  {
    host: 'ka67',
    what: 'a sysctl is changed (net.ipv4.ip_nonlocal_bind = 0)',
    script: 'echo 0 > /proc/sys/net/ipv4/ip_nonlocal_bind',
    resource: /sysctl/,
  },
  {
    host: 'ka67',
    what: 'the firewall rule that lets VRRP in is removed',
    script: `handle=$(nft -a list chain inet filter input | sed -n 's/.*tandem.*# handle //p' | head -n 1)
test -n "$handle" && nft delete rule inet filter input handle "$handle"`,
    resource: /firewall|nft/,
  },
  {
    host: 'ka68',
    what: 'the configuration is edited',
    script: 'sed -i "s/virtual_router_id .*/virtual_router_id 104/" /etc/tandem/keepalived.conf',
    resource: /keepalived\.conf/,
  },
  {
    host: 'ka68',
    what: 'the service is disabled',
    script: 'systemctl disable tandemd 2>/dev/null',
    resource: /service/,
  },
  {
    host: 'ka68',
    what: 'the release symlink points elsewhere',
    script: 'ln -sfn /opt/tandem/releases/nowhere /opt/tandem/current',
    resource: /\/opt\/tandem\/current|release/,
  },
];
