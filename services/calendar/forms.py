"""The form of a calendar feed."""

from wtforms import StringField

from core.web.forms import Form, at_most


class FeedForm(Form):
    """A name by which one knows the phone or program again."""

    label = StringField("给它起个名字", [at_most(30)], description="比如“手机日历”，以后停用时认得出",
                        render_kw={"maxlength": 30})  # fmt: skip
