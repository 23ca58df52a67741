"""Every function that sends mail, called in every way that PHP has."""

import shutil

import pytest
from harness.fpm import SHARED_EXTENSIONS
from harness.site import SERVER, Site, new_mark, two_vhosts

# name: the code, where MARK is the subject and the line that calls has "# here".
FORMS = {
    "direct": "mail('to@example.org', 'MARK', 'body'); # here",
    "fully qualified": "\\mail('to@example.org', 'MARK', 'body'); # here",
    "variable function": "$f = 'mail'; $f('to@example.org', 'MARK', 'body'); # here",
    "another case": "MAIL('to@example.org', 'MARK', 'body'); # here",
    "spread": "$a = ['to@example.org', 'MARK', 'body']; mail(...$a); # here",
    "spread with names": "$a = ['message' => 'body', 'to' => 'to@example.org', 'subject' => 'MARK']; mail(...$a); # here",
    "named": "mail(message: 'body', subject: 'MARK', to: 'to@example.org'); # here",
    "call_user_func": "call_user_func('mail', 'to@example.org', 'MARK', 'body'); # here",
    "call_user_func_array": "call_user_func_array('mail', ['to@example.org', 'MARK', 'body']); # here",
    "call_user_func_array with names": "call_user_func_array('mail', ['subject' => 'MARK', 'to' => 'to@example.org', 'message' => 'body']); # here",
    "array_map": "array_map('mail', ['to@example.org'], ['MARK'], ['body']); # here",
    "array_walk": "$a = ['MARK' => 'to@example.org']; array_walk($a, function ($to, $subject) {\n mail($to, $subject, 'body'); # here\n});",
    "arrow function": "(fn() => mail('to@example.org', 'MARK', 'body'))(); # here",
    "closure": "$f = function () {\n mail('to@example.org', 'MARK', 'body'); # here\n};\n$f();",
    "first-class callable": "$f = mail(...); $f('to@example.org', 'MARK', 'body'); # here",
    "Closure::fromCallable": "$f = Closure::fromCallable('mail'); $f('to@example.org', 'MARK', 'body'); # here",
    "Closure::call": "$f = function () {\n mail('to@example.org', 'MARK', 'body'); # here\n};\nclass C {} $f->call(new C);",
    "ReflectionFunction::invoke": "(new ReflectionFunction('mail'))->invoke('to@example.org', 'MARK', 'body'); # here",
    "ReflectionFunction::invokeArgs": "(new ReflectionFunction('mail'))->invokeArgs(['to@example.org', 'MARK', 'body']); # here",
    "method": "class M { function go() {\n mail('to@example.org', 'MARK', 'body'); # here\n} }\n(new M)->go();",
    "static method": "class M { static function __callStatic($n, $a) {\n mail('to@example.org', 'MARK', 'body'); # here\n} }\nM::anything();",
    "generator": "function g() {\n yield mail('to@example.org', 'MARK', 'body'); # here\n}\nforeach (g() as $x);",
    "fiber": "$f = new Fiber(function () {\n Fiber::suspend(mail('to@example.org', 'MARK', 'body')); # here\n});\n$f->start(); $f->resume();",
    "destructor": "class D { function __destruct() {\n mail('to@example.org', 'MARK', 'body'); # here\n} }\n$d = new D; unset($d);",
    "destructor at the end": "class D { function __destruct() {\n mail('to@example.org', 'MARK', 'body'); # here\n} }\n$d = new D;",
    "shutdown function": "register_shutdown_function(function () {\n mail('to@example.org', 'MARK', 'body'); # here\n});",
    "output callback": "ob_start(function ($b) {\n mail('to@example.org', 'MARK', 'body'); # here\n return $b;\n}); echo 'x'; ob_end_flush();",
    "error handler": "set_error_handler(function () {\n mail('to@example.org', 'MARK', 'body'); # here\n return true;\n}); trigger_error('x');",
    "exception handler": "set_exception_handler(function () {\n mail('to@example.org', 'MARK', 'body'); # here\n}); throw new Exception;",
    "header callback": "header_register_callback(function () {\n mail('to@example.org', 'MARK', 'body'); # here\n});",
    "autoloader": "spl_autoload_register(function () {\n mail('to@example.org', 'MARK', 'body'); # here\n}); class_exists('Nowhere');",
    "tick": "declare(ticks=1);\nregister_tick_function(function () {\n static $done; if (!$done++) mail('to@example.org', 'MARK', 'body'); # here\n}); $x = 1;",
    "__toString": "class S { function __toString(): string {\n mail('to@example.org', 'MARK', 'body'); # here\n return ''; } } echo new S;",
    "after fastcgi_finish_request": "echo 'x'; fastcgi_finish_request();\nmail('to@example.org', 'MARK', 'body'); # here",
    "hot loop": "function hot($i) {\n if ($i == 299) mail('to@example.org', 'MARK', 'body'); # here\n}\nfor ($i = 0; $i < 300; $i++) hot($i);",
}


@pytest.fixture(scope="module", params=["interpreted", "tracing JIT", "function JIT"])
def forms_site(request, installation):
    """The same calls without opcache, and with both kinds of JIT compiling what is called once."""
    jit = {"tracing JIT": "tracing", "function JIT": "1205"}.get(request.param)
    ini = {}
    if jit:
        ini = {
            "opcache.enable": "1", "opcache.jit": jit, "opcache.jit_buffer_size": "16M",
            "opcache.file_update_protection": "0", "opcache.jit_hot_loop": "2", "opcache.jit_hot_func": "2",
            "opcache.jit_hot_return": "2", "opcache.jit_hot_side_exit": "2",
        }
    directory = installation.directory("forms")
    site = Site(installation, directory, two_vhosts(), server=SERVER, ini=ini,
                zend_extensions=("opcache.so",) if jit else ())
    try:
        site.start()
        if jit:
            status = site.shop.run("<?php echo json_encode(opcache_get_status(false)['jit']['on']);")
            assert status.text == "true"
        yield site
        site.verify()
    finally:
        site.stop()


@pytest.mark.parametrize("name", FORMS)
def test_call_form(forms_site, name):
    site = forms_site
    mark = new_mark()
    script = site.shop.script("<?php\n" + FORMS[name].replace("MARK", mark) + "\n")
    site.shop.get(script.uri)
    message = site.sendmail.wait(mark)
    event = site.shop.json.wait(mark)
    assert message.header("X-Mail-Origin") == [event["id"]]
    assert event["verified"] is True
    assert event["function"] == "mail"
    assert event["entry"] == str(script.path)
    assert (event["file"], event["line"]) == (str(script.path), script.line_of("# here"))
    assert event["caller"] == f"{script.path}:{event['line']}"


def test_namespaced_fallback(forms_site):
    mark = new_mark()
    script = forms_site.shop.script(f"<?php\nnamespace A\\B;\nmail('to@example.org', '{mark}', 'body');")
    forms_site.shop.get(script.uri)
    event = forms_site.shop.json.wait(mark)
    assert (event["file"], event["line"]) == (str(script.path), 3)


def test_eval(forms_site):
    mark = new_mark()
    script = forms_site.shop.script(f"<?php\n\neval(\"\\nmail('to@example.org', '{mark}', 'body');\");")
    forms_site.shop.get(script.uri)
    event = forms_site.shop.json.wait(mark)
    assert event["eval"] is True
    assert event["file"] == f"{script.path}(3) : eval()'d code"
    assert event["line"] == 2
    assert event["caller"].startswith(str(script.path))
    assert f"{script.path}:3" in event["stack"]
    assert forms_site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]


def test_shutdown_function_is_mail_itself(forms_site):
    """No script is active then; PHP's own log says so, and the entry script is named all the same."""
    mark = new_mark()
    script = forms_site.shop.script(f"<?php register_shutdown_function('mail', 'to@example.org', '{mark}', 'body');")
    forms_site.shop.get(script.uri)
    event = forms_site.shop.json.wait(mark)
    assert event["entry"] == str(script.path)
    assert event["verified"] is True
    assert "mail() on [[no active file]:0]: To: to@example.org" in forms_site.shop.php.wait(mark)


def test_disable_functions_still_works(make_site):
    site = make_site(ini={"disable_functions": "mail"})
    answer = site.shop.run("<?php try { mail('a@b.example', 's', 'b'); } catch (Error $e) { echo $e->getMessage(); }")
    assert answer.text == "Call to undefined function mail()"


# name: code, the function's name, what else the event says.
FUNCTIONS = {
    "mb_send_mail": (
        "mb_language('neutral'); mb_send_mail('to@example.org', 'MARK', 'body', 'Cc: carl@example.org');",
        {"to": "to@example.org", "subject": "MARK", "recipients": 2},
    ),
    "mb_send_mail, no headers": (
        "mb_send_mail('to@example.org', 'MARK', 'body');",
        {"to": "to@example.org", "subject": "MARK", "recipients": 1},
    ),
    "mb_send_mail, array": (
        "mb_send_mail('to@example.org', 'MARK', 'body', ['Cc' => 'carl@example.org', 'X-Mail-Origin' => 'forged'], '-fa@b.example');",
        {"recipients": 2, "envelope_from": "a@b.example"},
    ),
    "mb_send_mail, forged string": (
        "mb_send_mail('to@example.org', 'MARK', 'body', \"A: 1\\r\\nX-Mail-Origin: forged\\r\\nB: 2\");",
        {"recipients": 1},
    ),
    "mb_send_mail, named": (
        "mb_send_mail(subject: 'MARK', message: 'body', to: 'to@example.org', additional_params: '-fa@b.example');",
        {"envelope_from": "a@b.example"},
    ),
    "imap_mail": (
        "imap_mail('to@example.org', 'MARK', 'body');",
        {"to": "to@example.org", "subject": "MARK", "recipients": 1},
    ),
    "imap_mail, everything": (
        "imap_mail('to@example.org', 'MARK', 'body', \"X-Mail-Origin: forged\\r\\nX-A: 1\", 'carl@example.org', 'dora@example.org, eve@example.org', 'bounce@b.example');",
        {"recipients": 4},
    ),
    "imap_mail, null": (
        "imap_mail('to@example.org', 'MARK', 'body', null, 'carl@example.org');",
        {"recipients": 2},
    ),
    "imap_mail, named": (
        "imap_mail(subject: 'MARK', message: 'body', to: 'to@example.org', cc: 'carl@example.org');",
        {"recipients": 2},
    ),
    "error_log": (
        "error_log('a message', 1, 'to@example.org', 'X-Mark: MARK');",
        {"to": "to@example.org", "subject": "PHP error_log message", "recipients": 1},
    ),
    "error_log, forged": (
        "error_log('a message', 1, 'to@example.org', \"X-Mail-Origin: forged\\r\\nX-Mark: MARK\");",
        {"subject": "PHP error_log message"},
    ),
    "error_log, named": (
        "error_log(additional_headers: 'X-Mark: MARK', message: 'a message', message_type: 1, destination: 'to@example.org');",
        {"to": "to@example.org"},
    ),
}

if "imap" not in SHARED_EXTENSIONS:  # as in Debian 13
    FUNCTIONS = {name: each for name, each in FUNCTIONS.items() if not name.startswith("imap_mail")}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(site, name):
    code, expected = FUNCTIONS[name]
    mark = new_mark()
    script = site.shop.script(f"<?php\n\n{code.replace('MARK', mark)}\n")
    assert site.shop.get(script.uri).text == ""
    event = site.shop.json.wait(mark)
    assert event["function"] == name.partition(",")[0]
    assert (event["file"], event["line"]) == (str(script.path), 3)
    assert event["verified"] is True
    for field, value in expected.items():
        assert event[field] == (mark if value == "MARK" else value)
    message = [message for message in site.sendmail.messages() if mark.encode() in message.raw]
    assert len(message) == 1
    assert message[0].header("X-Mail-Origin") == [event["id"]]
    assert b"forged" not in message[0].raw


@pytest.mark.parametrize("code", ["error_log('MARK');", "error_log('MARK', 0);", "error_log('MARK', 3, '/dev/null');", "error_log('MARK', 4);"])
def test_error_log_that_is_no_mail(site, code):
    mark = new_mark()
    answer = site.shop.run(f"<?php {code.replace('MARK', mark)}")
    assert answer.text == ""
    site.shop.json.wait(site.shop.mail())
    assert not site.shop.logged(mark)
    site.httpd.allow_log(mark)


PHPMAILER = """<?php
require '/usr/share/php/libphp-phpmailer/autoload.php';
use PHPMailer\\PHPMailer\\PHPMailer;

class Newsletter {
    function send($mark) {
        $mailer = new PHPMailer(true);
        $mailer->%s();
        $mailer->setFrom('shop@shop.example', 'Shop');
        $mailer->addAddress('ann@example.org', 'Ann');
        $mailer->addCC('carl@example.org');
        $mailer->Subject = $mark;
        $mailer->Body = 'body';
        return $mailer->send();
    }
}
var_dump((new Newsletter)->send('MARK'));
"""


def test_caller_sees_through_phpmailer(site):
    mark = new_mark()
    script = site.shop.script(PHPMAILER.replace("MARK", mark) % "isMail")
    answer = site.shop.get(script.uri)
    assert answer.text == "bool(true)\n", answer
    event = site.shop.json.wait(mark)
    assert event["function"] == "mail"
    assert event["caller"] == f"{script.path}:{script.line_of('->send();')}"
    assert event["file"].endswith("/PHPMailer.php")
    frames = event["stack"].split(" < ")
    assert frames[0] == f"{event['file']}:{event['line']}"
    assert frames[-2:] == [
        f"{script.path}:{script.line_of('->send();')}",
        f"{script.path}:{script.line_of('var_dump')}",
    ]
    assert event["from"] == "Shop <shop@shop.example>"
    assert event["recipients"] == 2
    message = site.sendmail.wait(mark)
    assert message.header("X-Mail-Origin") == [event["id"]]


def test_caller_sees_through_a_copy_of_phpmailer(site):
    """As most installations have it: below the document root, in somebody's vendor directory."""
    vendor = site.shop.docroot / "vendor/phpmailer/phpmailer/src"
    shutil.copytree("/usr/share/php/libphp-phpmailer/src", vendor)
    mark = new_mark()
    code = PHPMAILER.replace("MARK", mark).replace(
        "require '/usr/share/php/libphp-phpmailer/autoload.php';",
        f"foreach (['Exception', 'PHPMailer', 'SMTP'] as $f) require '{vendor}/' . $f . '.php';",
    )
    script = site.shop.script(code % "isMail")
    assert site.shop.get(script.uri).text == "bool(true)\n"
    event = site.shop.json.wait(mark)
    assert event["caller"] == f"{script.path}:{script.line_of('->send();')}"
