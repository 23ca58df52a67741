"""MailOriginRunAs owner: one line for all virtual hosts of a panel."""

import os

from harness.command import Command
from harness.httpd import Httpd
from harness.site import BLOG_UID, SERVER, SHOP_UID, WITH_HEADER, Vhost, two_vhosts

OWNER = SERVER + "MailOriginRunAs owner\n"


def hosts():
    return [Vhost("shop", SHOP_UID, WITH_HEADER, run_as=False), Vhost("blog", BLOG_UID, WITH_HEADER, run_as=False)]


def policy_of(site, vhost):
    return Command(site.installation, site.httpd.runtime_dir)("policy", vhost.name, "--json").json["vhosts"][0]


def test_each_host_runs_as_whoever_owns_its_document_root(make_site):
    site = make_site(hosts(), server=OWNER, start=False)
    for vhost in site.vhosts:
        os.chown(vhost.docroot, vhost.uid, vhost.uid)
    site.start()
    for vhost in site.vhosts:
        assert policy_of(site, vhost)["uid"] == vhost.uid
        event = vhost.json.wait(vhost.mail())
        assert (event["verified"], event["suexec_uid"]) == (True, vhost.uid)


def test_a_neighbours_document_root_is_not_borrowed(make_site):
    """A tenant's link to its neighbour: nobody, and not the neighbour; it is said, and others go on."""
    site = make_site(hosts(), server=OWNER, start=False)
    os.chown(site.blog.docroot, BLOG_UID, BLOG_UID)
    site.shop.docroot.rmdir()
    site.shop.docroot.symlink_to(site.blog.docroot)
    os.lchown(site.shop.docroot, SHOP_UID, SHOP_UID)
    fault = f"{site.blog.docroot}: belongs to uid {BLOG_UID}, and {site.shop.docroot} on the way there to uid {SHOP_UID}"
    site.httpd.expect_log(rf"MO0148: MailOriginRunAs owner: no user for shop\.example:\d+ \(.*:\d+\): {fault}; name it")
    site.start()
    facts = policy_of(site, site.shop)
    assert "uid" not in facts and facts["run_as_fault"] == fault
    assert policy_of(site, site.blog)["uid"] == BLOG_UID
    mailorigin = Command(site.installation, site.httpd.runtime_dir)
    assert f"# MailOriginRunAs owner: nobody, {fault}\n" in mailorigin("policy", site.shop.name).out
    weak = mailorigin("status", "--json").json["weak_vhosts"]
    assert [(each["reason"], each["vhosts"]) for each in weak] == [("no-owner", [site.shop.full_name])]


def test_a_host_may_name_its_user_beside_it(make_site):
    """What owner finds out is only where nothing better is said."""
    site = make_site(two_vhosts(), server=OWNER)
    assert [policy_of(site, vhost)["uid"] for vhost in site.vhosts] == [SHOP_UID, BLOG_UID]


def test_what_is_no_sites_is_said(installation):
    """With httpd -t: root's, and what is not there. Nothing is said of the server outside of virtual hosts."""
    httpd = Httpd(installation, installation.directory("owner"), "")
    section = "<VirtualHost 127.0.0.1:{port}>\nServerName %s\nDocumentRoot %s\n</VirtualHost>\n"
    httpd.write("MailOriginRunAs owner\n" + section % ("a.example", "/usr") + section % ("b.example", "/nosuch/docroot"))
    status, said = httpd.check()
    assert status == 0
    assert said.count("MO0148") == 2, said
    assert "/usr: belongs to root" in said and "/nosuch: No such file or directory" in said
    many = "".join(section % (f"{number}.example", "/usr") for number in range(50))
    httpd.write("MailOriginRunAs owner\n" + many)
    assert "no user for 30 more virtual hosts" in httpd.check()[1]
