/** How a release gets to a host: below a root, by content, checked before it gets its name. */
import type { ReleaseArtefact } from './release.ts';
import { type Fragment, input, lines, sh } from './shell.ts';

/** Under a name that nobody uses until the hash is right; `rm` first, for what an earlier run left. */
export function uploadNode(root: string, release: ReleaseArtefact): Fragment {
  const { sha256, part } = release.node;
  const final = `${root}/node/${sha256}`;
  return lines([
    sh`rm -rf ${`${final}.part`}; mkdir -p ${`${final}.part`}`,
    sh`${input(part)} | gzip -dc >${`${final}.part/node`} || { rm -rf ${`${final}.part`}; exit 1; }`,
    checked(`${final}.part`, 'node', sha256),
    sh`chmod 755 ${root} ${`${root}/node`} ${`${final}.part`} ${`${final}.part/node`}; sync ${`${final}.part/node`}; mv -T ${`${final}.part`} ${final}`,
  ]);
}

/** The daemon's files; the runtime is looked for beside them in the same root. */
export function uploadFiles(root: string, release: ReleaseArtefact): Fragment {
  const final = `${root}/releases/${release.id}`;
  const part = `${final}.part`;
  const files = release.files.map(file =>
    lines([
      sh`mkdir -p ${`${part}/${file.path}`.replace(/\/[^/]*$/, '')}`,
      sh`${input(file.part)} >${`${part}/${file.path}`} || { rm -rf ${part}; exit 1; }`,
      checked(part, file.path, file.sha256),
      sh`chmod ${file.mode} ${`${part}/${file.path}`}; sync ${`${part}/${file.path}`}`,
    ]),
  );
  return lines([
    sh`rm -rf ${part}; mkdir -p ${part}`,
    ...files,
    sh`ln -s ${`../../node/${release.node.sha256}`} ${`${part}/node`}`,
    sh`find ${part} -type d -exec chmod 755 {} +; chmod 755 ${root} ${`${root}/releases`}; mv -T ${part} ${final}`,
  ]);
}

function checked(dir: string, file: string, sha256: string): Fragment {
  return sh`t_h=$(sha256sum <${`${dir}/${file}`}); [ "\${t_h%% *}" = ${sha256} ] || { rm -rf ${dir}; echo ${`${file} did not arrive whole`} >&2; exit 1; }`;
}
