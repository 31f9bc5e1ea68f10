//! Writes the sample scan in every format and both languages: `samples DIR [VERDICTS]`.
//!
//! With a number, writes a scan of so many verdicts instead, for measuring. `tests/validate_formats.py` checks the
//! folder against the published schemas.

#![allow(clippy::indexing_slicing, clippy::expect_used, reason = "made-up data for looking at and measuring")]

#[path = "../tests/found/dossier.rs"]
mod dossier;
#[path = "../tests/found/mod.rs"]
mod found;
#[path = "../tests/sample/mod.rs"]
mod sample;

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Instant;
use yagura_model::Lang;
use yagura_report::{DetectFormat, DossierFormat, Format, Style, write, write_dossier, write_findings};

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().unwrap_or_else(|| "samples".to_owned());
    let verdicts: Option<usize> = args.next().and_then(|n| n.parse().ok());
    for (name, lang) in [("en", Lang::En), ("ja", Lang::Ja)] {
        let report = verdicts.map_or_else(|| sample::report(lang), |n| sample::large(lang, n));
        let folder = Path::new(&folder).join(name);
        fs::create_dir_all(&folder)?;
        for format in Format::ALL {
            let ending = match format {
                Format::Ocsf => "ocsf.json",
                Format::Asff => "asff.json",
                Format::Junit => "xml",
                Format::Markdown => "md",
                Format::Table => "txt",
                _ => format.name(),
            };
            let path = folder.join(format!("report.{ending}"));
            let start = Instant::now();
            write(&report, format, &Style::default(), &mut File::create(&path)?)?;
            println!(
                "{name} {format:<8} {:>10} bytes {:>8.1} ms",
                fs::metadata(&path)?.len(),
                start.elapsed().as_secs_f64() * 1000.0
            );
        }
        for format in DetectFormat::ALL {
            let ending = match format {
                DetectFormat::Ocsf => "ocsf.json",
                DetectFormat::Asff => "asff.json",
                DetectFormat::Table => "txt",
                DetectFormat::Timeline => "timeline.txt",
                _ => format.name(),
            };
            let path = folder.join(format!("findings.{ending}"));
            write_findings(&found::findings(), format, &Style::default(), lang, &mut File::create(&path)?)?;
        }
        for format in DossierFormat::ALL {
            let path = folder.join(format!("investigation.{}", format.name()));
            write_dossier(&dossier::dossier(), format, &Style::default(), lang, &mut File::create(&path)?)?;
        }
        let colour = Style { colour: true, width: 100 };
        write(&report, Format::Table, &colour, &mut File::create(folder.join("colour.txt"))?)?;
    }
    Ok(())
}
