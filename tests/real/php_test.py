# SPDX-License-Identifier: MIT
"""PHP with and without its own allocator; its extensions come by dlopen with RTLD_DEEPBIND.

Such an extension is bound to libc's malloc, while the php binary is bound to the
preloaded one, and pointers cross between the two. USE_ZEND_ALLOC=0 makes this the rule.
"""
import support

EXTENSIONS = ["mbstring", "dom", "xml", "SimpleXML", "xmlreader", "xmlwriter", "xsl", "iconv",
              "fileinfo", "ctype", "tokenizer", "Phar"]

WORK = r"""<?php
setlocale(LC_ALL, 'C.UTF-8');
$show = fn($name, $value) => print("$name " . md5(serialize($value)) . "\n");

$words = [];
for ($i = 0; $i < 30000; $i++) $words['key' . ($i * 7919 % 10007)][] = str_repeat('x', $i % 50) . $i;
ksort($words);
$show('arrays', $words);
$show('json', json_decode(json_encode($words), true));
$show('preg', preg_replace_callback('/(\d+)/', fn($m) => strrev($m[1]), implode(',', array_keys($words))));
unset($words);

// mbstring with its regular expressions
$text = str_repeat("Grüße, Ελλάδα, 日本語 und русский ", 400);
$show('mb', [mb_strlen($text), mb_strtoupper($text), mb_substr($text, 777, 999), mb_strpos($text, 'русский'),
      mb_convert_encoding($text, 'UTF-16LE', 'UTF-8'), mb_detect_encoding($text, ['ASCII', 'UTF-8']),
      mb_convert_kana('ﾊﾟｰﾄ', 'KV'), mb_encode_mimeheader(mb_substr($text, 0, 200), 'UTF-8')]);
if (function_exists('mb_ereg_replace')) {
    mb_regex_encoding('UTF-8');
    $show('ereg', [mb_ereg_replace('[а-я]+', '<\0>', $text), mb_split('\s+', $text)]);
}
$show('iconv', iconv('UTF-8', 'ISO-8859-1//TRANSLIT', 'Grüße'));

// libxml2 through dom, xsl, SimpleXML, reader, writer and the callbacks of xml
$document = new DOMDocument('1.0', 'UTF-8');
$root = $document->appendChild($document->createElement('root'));
for ($i = 0; $i < 3000; $i++) {
    $item = $root->appendChild($document->createElement('item', "value $i"));
    $item->setAttribute('id', (string)$i);
    $item->setAttribute('group', 'g' . $i % 17);
}
foreach (iterator_to_array((new DOMXPath($document))->query('//item[@group="g3"]')) as $node) $root->removeChild($node);
$xml = $document->saveXML();
$show('dom', $xml);
$show('broken', [@$document->loadHTML('<p>a<b>c</p><nonsense x=&y;>'), $document->saveHTML()]);
libxml_use_internal_errors(true);
$document->loadXML('<a><b></a>');
$show('errors', array_map(fn($e) => $e->message, libxml_get_errors()));
libxml_clear_errors();
$simple = simplexml_load_string($xml);
$show('simple', [count($simple->item), (string)$simple->item[77]['id'], $simple->xpath('//item[@id="99"]')[0]->asXML()]);
$reader = XMLReader::XML($xml);
for ($names = []; $reader->read();) $names[] = $reader->name . $reader->getAttribute('id');
$show('reader', $names);
$writer = new XMLWriter;
$writer->openMemory();
$writer->startDocument();
$writer->startElement('list');
for ($i = 0; $i < 2000; $i++) $writer->writeElement("e$i", str_repeat('<&>', $i % 40));
$writer->endDocument();
$show('writer', $writer->outputMemory());
$parser = xml_parser_create();
$seen = [];
xml_set_element_handler($parser, function ($p, $name, $a) use (&$seen) { $seen[] = [$name, $a]; }, function () {});
xml_parse($parser, $xml, true);
$show('parser', $seen);
$style = new DOMDocument;
$style->loadXML('<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/">
<out><xsl:for-each select="//item"><xsl:sort select="@group"/><i><xsl:value-of select="@id"/></i></xsl:for-each></out>
</xsl:template></xsl:stylesheet>');
$source = new DOMDocument;
$source->loadXML($xml);
$processor = new XSLTProcessor;
$processor->importStylesheet($style);
$show('xsl', $processor->transformToXml($source));

$show('fileinfo', (new finfo(FILEINFO_MIME))->buffer("\x89PNG\r\n\x1a\n" . str_repeat("\0", 100)));
$show('tokens', count(token_get_all(file_get_contents(__FILE__))));
$show('zlib', gzuncompress(gzcompress($xml, 9)));
$show('random', (function () { mt_srand(5); return array_map(fn() => mt_rand(), range(1, 500)); })());
$day = new DateTimeImmutable('2001-02-03 04:05', new DateTimeZone('Europe/Berlin'));
$show('date', $day->modify('last friday of next month')->format(DATE_ATOM));
$show('stream', [stream_get_contents(popen('echo child', 'r')), getenv('USE_ZEND_ALLOC')]);
putenv('COLOUR=blue');
$show('environment', shell_exec('echo $COLOUR'));
if (function_exists('pcntl_fork')) for ($i = 0; $i < 10; $i++) {
    if (($pid = pcntl_fork()) == 0) { $copy = simplexml_load_string($xml); exit(count($copy->item) % 100); }
    pcntl_waitpid($pid, $status);
    $show('fork', [pcntl_wifexited($status), pcntl_wexitstatus($status)]);
}
$show('serialized', unserialize(serialize(range(1, 50000))));
print("end\n");
"""


def scenario(stage):
    stage.write("work.php", WORK)
    stage.check_maps_printed_by(["php", "-r", "readfile('/proc/self/maps');"])
    loaded = stage.command(["php", "-m"]).decode().split()
    missing = [name for name in EXTENSIONS if name not in loaded]
    support.expect(not missing, f"PHP lacks the extensions {missing}; is php-xml and php-mbstring installed?")

    results = {}
    for name, environment in [("the Zend allocator", {}), ("USE_ZEND_ALLOC=0", {"USE_ZEND_ALLOC": "0"})]:
        for compiler in ["off", "on"]:
            output = stage.command(["php", "-d", f"opcache.enable_cli={compiler}", "work.php"],
                                   environment=environment)
            support.expect(output.endswith(b"\nend\n"), support.tail(output))
            results[f"output with {name}, opcache {compiler}"] = output
    return results


if __name__ == "__main__":
    support.main(scenario, {"php": "php-cli"})
