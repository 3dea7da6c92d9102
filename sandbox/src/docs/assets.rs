//! Swagger UI, unpacked from its published archive.

use std::borrow::Cow;
use std::io::{self, Cursor, Read as _};

use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

/// The license notice that every copy of Swagger UI must carry.
pub(super) const NOTICE: &str = "swagger-ui, Copyright 2020-2021 SmartBear Software Inc., Apache License 2.0, \
                                 https://github.com/swagger-api/swagger-ui";

/// The style sheet and the script, escaped so that a page can contain them.
pub(super) struct Assets {
    pub(super) style: String,
    pub(super) program: String,
}

/// # Errors
///
/// If the archive is damaged or lacks one of the files.
pub(super) fn unpack() -> io::Result<Assets> {
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let style = read(&mut archive, "/dist/swagger-ui.css")?;
    let program = read(&mut archive, "/dist/swagger-ui-bundle.js")?;
    Ok(Assets {
        // The developer tools of a browser would request the source map.
        style: style.replace("sourceMappingURL=", "").replace("</style", "<\\/style"),
        // The HTML standard requires this for scripts in a page ("Restrictions for contents of script elements").
        program: program
            .replace("<!--", "\\x3C!--")
            .replace("<script", "\\x3Cscript")
            .replace("</script", "\\x3C/script"),
    })
}

/// Reads the file whose path has this end. The path begins with a version.
fn read(archive: &mut ZipArchive<Cursor<&[u8]>>, end: &str) -> io::Result<String> {
    let path = archive.file_names().flatten().find(|path| path.ends_with(end)).map(Cow::into_owned);
    let path = path.ok_or_else(|| io::Error::other(format!("the archive of Swagger UI has no {end}")))?;
    let mut text = String::new();
    archive.by_name(&path)?.read_to_string(&mut text)?;
    Ok(text)
}
