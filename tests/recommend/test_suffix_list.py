"""The Public Suffix List is what its package makes of it."""

from publicsuffixlist import PublicSuffixList

from pipeline.recommend import suffix_list


def test_both_lists_are_those_of_the_package() -> None:
    assert suffix_list.suffixes()._publicsuffix == PublicSuffixList()._publicsuffix
    assert suffix_list.registries()._publicsuffix == PublicSuffixList(only_icann=True)._publicsuffix
    assert suffix_list.suffixes()._maxlabel == PublicSuffixList()._maxlabel


def test_domains_above_suffixes() -> None:
    above = suffix_list.above_suffixes()
    assert {"amazonaws.com", "jp", "xn--90a3ac"} <= above
    assert not {"s3.amazonaws.com", "github.io", ""} & above
