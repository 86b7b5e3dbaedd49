//! QR codes (ISO/IEC 18004) of short links, as SVG and as PNG: black on white, with error
//! correction level M and the quiet zone of four modules that scanners need.

use std::fmt::Write as _;

use fast_qr::{ECL, QRBuilder};

use crate::errors::ApiError;

/// Width of the white margin, in modules.
const QUIET: u32 = 4;

/// A QR code.
pub(crate) struct Qr {
    /// Whether each module is dark, from top to bottom and left to right, without the margin.
    rows: Vec<Vec<bool>>,
    /// Length of a side with its margins, in modules.
    side: u32,
}

impl Qr {
    /// Encodes a text.
    ///
    /// # Errors
    /// `INTERNAL` for a text of more than 2,331 bytes, which is longer than any short link.
    pub(crate) fn of(text: &str) -> Result<Self, ApiError> {
        let code = QRBuilder::new(text).ecl(ECL::M).build();
        let code = code.map_err(|error| ApiError::internal(error.to_string()))?;
        let rows = code.data.chunks(code.size).take(code.size);
        let rows: Vec<Vec<bool>> = rows
            .map(|row| row.iter().map(|module| module.value()).collect())
            .collect();
        let side = u32::try_from(rows.len()).map_err(ApiError::internal)?;
        Ok(Self {
            rows,
            side: side + 2 * QUIET,
        })
    }

    /// Renders the code as SVG with sides of `pixels`, unless the page sets another size.
    pub(crate) fn svg(&self, pixels: u32) -> String {
        let side = self.side;
        let mut path = String::new();
        for (y, row) in (QUIET..).zip(&self.rows) {
            let mut x = QUIET;
            for run in row.chunk_by(|one, other| one == other) {
                let length = u32::try_from(run.len()).unwrap_or_default();
                if run.first() == Some(&true) {
                    // Writing to a string does not fail.
                    let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
                }
                x += length;
            }
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{pixels}\" height=\"{pixels}\" \
             viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
             <path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/><path d=\"{path}\"/></svg>\n"
        )
    }

    /// Renders the code as PNG with sides of at most `pixels`: every module has the largest whole
    /// number of pixels that fits, and at least one.
    ///
    /// # Errors
    /// `INTERNAL` if the image cannot be encoded.
    pub(crate) fn png(&self, pixels: u32) -> Result<Vec<u8>, ApiError> {
        let scale = (pixels / self.side).max(1);
        let side = self.side * scale;
        let quiet = usize::try_from(QUIET).map_err(ApiError::internal)?;
        let times = usize::try_from(scale).map_err(ApiError::internal)?;
        let blank = vec![false; usize::try_from(self.side).map_err(ApiError::internal)?];
        let margin = vec![false; quiet];
        let mut image = Vec::new();
        let margins = std::iter::repeat_n(&blank, quiet);
        let rows = self
            .rows
            .iter()
            .map(|row| [&margin[..], row, &margin].concat());
        let whole = margins.clone().cloned().chain(rows).chain(margins.cloned());
        for row in whole {
            let pixels = row
                .iter()
                .flat_map(|dark| std::iter::repeat_n(*dark, times));
            let pixels: Vec<bool> = pixels.collect();
            // A byte has eight pixels, the first in its highest bit; a set bit is white.
            let bytes: Vec<u8> = pixels
                .chunks(8)
                .map(|eight| {
                    (0_u8..8).zip(eight).fold(0, |byte, (place, dark)| {
                        byte | (u8::from(!dark) << (7 - place))
                    })
                })
                .collect();
            for _ in 0..times {
                image.extend_from_slice(&bytes);
            }
        }
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, side, side);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let mut writer = encoder.write_header().map_err(ApiError::internal)?;
        writer
            .write_image_data(&image)
            .map_err(ApiError::internal)?;
        writer.finish().map_err(ApiError::internal)?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_as_large_as_whole_modules_allow() {
        // 25 modules, and the margins.
        let qr = Qr::of("https://go.example/Wiki").unwrap();
        assert_eq!(qr.side, 33);
        for (pixels, side) in [(1, 33), (64, 33), (66, 66), (512, 495), (2_048, 2_046)] {
            let file = qr.png(pixels).unwrap();
            let decoder = png::Decoder::new(std::io::Cursor::new(file));
            let mut reader = decoder.read_info().unwrap();
            let info = reader.info();
            assert_eq!((info.width, info.height), (side, side), "{pixels}");
            let mut image = vec![0; reader.output_buffer_size().unwrap()];
            let frame = reader.next_frame(&mut image).unwrap();
            // The margin is white, and the corner of the finder pattern is black.
            let scale = side / 33;
            let at = |x: u32, y: u32| {
                let byte =
                    usize::try_from(y).unwrap() * frame.line_size + usize::try_from(x / 8).unwrap();
                image[byte] >> (7 - x % 8) & 1
            };
            assert_eq!(at(4 * scale - 1, 4 * scale), 1);
            assert_eq!(at(4 * scale, 4 * scale - 1), 1);
            assert_eq!(at(4 * scale, 4 * scale), 0);
            assert_eq!(at(11 * scale - 1, 4 * scale), 0);
            assert_eq!(at(11 * scale, 4 * scale), 1);
            assert_eq!(at(side - 1, side - 1), 1);
        }
    }

    #[test]
    fn the_drawing_has_the_margin_that_scanners_need() {
        let svg = Qr::of("https://go.example/wiki").unwrap().svg(200);
        assert!(
            svg.contains("width=\"200\" height=\"200\" viewBox=\"0 0 33 33\""),
            "{svg}"
        );
        // The corner of the first finder pattern.
        assert!(svg.contains("d=\"M4 4h7v1h-7z"), "{svg}");
        assert!(!svg.contains("M3 ") && !svg.contains("style"), "{svg}");
    }
}
