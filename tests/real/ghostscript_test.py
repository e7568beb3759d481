# SPDX-License-Identifier: MIT
"""Ghostscript renders a generated page: fonts, curves, shading, bands in threads."""
import support

PAGE = r"""%!PS-Adobe-3.0
/random { 1103515245 mul cvi 16#7fffffff and } def
/pages 3 def
1 1 pages {
  /page exch def
  << /ShadingType 2 /ColorSpace /DeviceRGB /Coords [0 0 400 500] /Function
     << /FunctionType 2 /Domain [0 1] /C0 [1 0.9 0.5] /C1 [0.2 page 4 div 0.9] /N 1 >> /Extend [true true]
  >> shfill
  0 1 400 {
    /n exch def
    n 17 mul 360 mod 360 div 0.8 0.9 sethsbcolor
    newpath n 37 mul 500 mod n 53 mul 700 mod moveto
    n 91 mul 500 mod n 23 mul 700 mod n 67 mul 500 mod n 41 mul 700 mod
    n 29 mul 500 mod n 83 mul 700 mod curveto
    n 7 mod 0.3 add setlinewidth stroke
  } for
  [/Helvetica /Times-Italic /Courier-Bold /Palatino-Roman /Bookman-Demi] {
    findfont 8 page add scalefont setfont 0 setgray
    0 1 25 { /n exch def 40 page 60 mul add 700 n 25 mul sub moveto
             n 5 string cvs show (  The quick brown fox jumps over the lazy dog) show } for
  } forall
  /store 400 dict def
  0 1 3000 { store exch 400 mod 300 string put } for
  gsave 200 200 translate 20 rotate 200 200 scale
  64 64 8 [64 0 0 64 0 0] { 64 string 0 1 63 { 2 copy dup 4 mul put pop } for } image
  grestore
  showpage
} for
"""


def scenario(stage):
    stage.write("page.ps", PAGE)
    quiet = ["gs", "-q", "-dBATCH", "-dNOPAUSE", "-dSAFER"]
    threads = ["-dNumRenderingThreads=2", "-dMaxBitmap=10000", "-dBufferSpace=300000"]

    stage.command([*quiet, "-sDEVICE=png16m", "-r60", "-dTextAlphaBits=4", "-dGraphicsAlphaBits=4",
                   "-sOutputFile=page%d.png", "page.ps"])
    stage.command([*quiet, "-sDEVICE=ppmraw", "-r110", *threads, "-sOutputFile=page%d.ppm", "page.ps"])
    stage.command([*quiet, "-sDEVICE=pdfwrite", "-sOutputFile=page.pdf", "page.ps"])
    stage.command([*quiet, "-sDEVICE=png16m", "-r40", "-sOutputFile=pdf%d.png", "page.pdf"])

    names = [f"{kind}{page}.{end}" for page in (1, 2, 3)
             for kind, end in (("page", "png"), ("page", "ppm"), ("pdf", "png"))]
    support.expect(len(set(map(stage.read, names))) == len(names), "pages that should differ do not")
    return {name: stage.read(name) for name in names}


if __name__ == "__main__":
    support.main(scenario, {"gs": "ghostscript"})
