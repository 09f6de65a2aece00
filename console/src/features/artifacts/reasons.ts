/** Why a file is in quarantine, in words (src/cloche/artifacts/reasons.py). */

const REASONS: Record<string, string> = {
  too_large: "It is larger than one file may be.",
  type_not_allowed: "What its bytes are is not allowed out.",
  extension_not_allowed: "What its name says it is, is not allowed out.",
  unknown_type: "Nobody here knows what its bytes are.",
  type_mismatch: "Its bytes are not what its name says.",
  declared_type_mismatch: "Its bytes are not what the server it came from said.",
  double_extension: "A harmless ending stands before one that is not: invoice.pdf.exe.",
  deceptive_name: "Its name had characters that are there to be misread.",
  executable: "It is a program, a library or an installer.",
  script: "It is source text that an interpreter runs.",
  shortcut: "It starts or opens something else.",
  macro: "It is a document with a program in it.",
  active_content: "It acts when it is opened: scripts, launch actions or embedded files.",
  polyglot: "It is also something else: an archive or program inside a picture, say.",
  archive_with_executable: "Among its members is a program, installer, script or shortcut.",
  archive_encrypted: "It is locked: nobody without the password can look inside.",
  archive_bomb: "It grows out of all proportion when it is unpacked.",
  archive_unsafe_path: "A member would be written outside of where it is unpacked.",
  archive_not_inspected: "Its members could not all be seen.",
  not_inspected: "Parts of it that could matter were not seen.",
  scanner_unavailable: "The virus scanner did not answer.",
};

export function explain(reason: string): string {
  return REASONS[reason] ?? `${reason.replaceAll("_", " ")}.`;
}

export const STATES: Record<string, string> = {
  ready: "Its bytes, its name and the declared type agree, and the type is allowed.",
  quarantined: "Something is not as it should be. Nobody gets it unless it is released.",
  released: "It was in quarantine, and somebody with the right has let it out.",
  condemned: "The scanner found something in it. Nobody can release it.",
  rejected: "It was not kept: too large for what the session may keep, or one too many.",
};
