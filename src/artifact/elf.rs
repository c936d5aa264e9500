//! What a compiled function needs from the machine it runs on.

use std::fmt;

use object::Endianness;
use object::elf::{EM_AARCH64, EM_X86_64, FileHeader64};
use object::read::elf::FileHeader;

/// The parts of a Linux executable that decide whether Lambda can start it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Executable {
    pub machine: Machine,
    /// The newest glibc whose symbols it asks for; none when it is linked statically.
    pub glibc: Option<Glibc>,
}

/// Instruction set of an executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    Aarch64,
    X86_64,
    /// ELF machine number.
    Other(u16),
}

/// A version of the C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glibc {
    pub major: u32,
    pub minor: u32,
}

impl Glibc {
    /// What the provided.al2023 runtime has.
    pub const AL2023: Self = Self {
        major: 2,
        minor: 34,
    };

    fn parse(symbol_version: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(symbol_version).ok()?;
        let mut parts = text.strip_prefix("GLIBC_")?.split('.');
        Some(Self {
            major: parts.next()?.parse().ok()?,
            minor: parts.next()?.parse().ok()?,
        })
    }
}

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "glibc {}.{}", self.major, self.minor)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aarch64 => f.write_str("arm64"),
            Self::X86_64 => f.write_str("x86_64"),
            Self::Other(number) => write!(f, "another architecture (ELF machine {number})"),
        }
    }
}

impl Executable {
    /// Reads the header and the symbol versions; nothing when this is no 64-bit ELF file.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let header = FileHeader64::<Endianness>::parse(bytes).ok()?;
        let endian = header.endian().ok()?;
        let machine = match header.e_machine(endian) {
            EM_AARCH64 => Machine::Aarch64,
            EM_X86_64 => Machine::X86_64,
            other => Machine::Other(other),
        };
        Some(Self {
            machine,
            glibc: newest_glibc(header, endian, bytes).ok()?,
        })
    }
}

fn newest_glibc(
    header: &FileHeader64<Endianness>,
    endian: Endianness,
    bytes: &[u8],
) -> object::read::Result<Option<Glibc>> {
    let sections = header.sections(endian, bytes)?;
    let Some((mut libraries, link)) = sections.gnu_verneed(endian, bytes)? else {
        return Ok(None);
    };
    let names = sections.strings(endian, bytes, link)?;
    let mut newest = None;
    while let Some((_, mut versions)) = libraries.next()? {
        while let Some(version) = versions.next()? {
            newest = newest.max(Glibc::parse(version.name(endian, names)?));
        }
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A 64-bit little-endian ELF header without sections.
    fn header(machine: u16) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1]);
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes
    }

    fn machine(bytes: &[u8]) -> Option<Machine> {
        Executable::read(bytes).map(|executable| executable.machine)
    }

    #[test]
    fn the_machine_is_read_from_the_header_and_anything_else_is_no_executable() {
        let mut narrow = header(183);
        narrow[4] = 1;
        let mut big_endian = header(0);
        big_endian[5] = 2;
        big_endian[18..20].copy_from_slice(&183u16.to_be_bytes());
        let table: [(&str, Vec<u8>, Option<Machine>); 10] = [
            ("arm64", header(183), Some(Machine::Aarch64)),
            ("x86_64", header(62), Some(Machine::X86_64)),
            ("32-bit arm", header(40), Some(Machine::Other(40))),
            ("RISC-V", header(243), Some(Machine::Other(243))),
            ("big-endian arm64", big_endian, Some(Machine::Aarch64)),
            ("arm64 in 32-bit form", narrow, None),
            ("header cut off", header(183)[..40].to_vec(), None),
            (
                "macOS executable",
                vec![0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1],
                None,
            ),
            ("script", b"#!/bin/sh\nexec true\n".to_vec(), None),
            ("empty", Vec::new(), None),
        ];
        for (name, bytes, expected) in table {
            assert_eq!(machine(&bytes), expected, "{name}");
        }
    }

    #[test]
    fn this_test_itself_asks_for_the_glibc_of_this_machine_or_none() {
        let path = std::env::current_exe().unwrap();
        let executable = Executable::read(&std::fs::read(path).unwrap()).unwrap();
        let dynamic = cfg!(all(target_os = "linux", target_env = "gnu"));
        assert_eq!(executable.glibc.is_some(), dynamic);
    }

    #[test]
    fn glibc_versions_are_ordered_by_number_and_private_ones_are_no_version() {
        let version = |text: &str| Glibc::parse(text.as_bytes());
        assert!(version("GLIBC_2.9") < version("GLIBC_2.34"));
        assert_eq!(version("GLIBC_2.2.5"), Some(Glibc { major: 2, minor: 2 }));
        assert_eq!(version("GLIBC_PRIVATE"), None);
        assert_eq!(version("GCC_3.0"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(tail in proptest::collection::vec(any::<u8>(), 0..300)) {
            Executable::read(&tail);
            let mut bytes = header(183);
            let keep = 20;
            bytes.truncate(keep);
            bytes.extend(tail);
            Executable::read(&bytes);
        }
    }
}
