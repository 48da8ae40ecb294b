using System.Text;
using System.Text.Json;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Tests.Client;

/// <summary>How the answer to a list request is read.</summary>
public sealed class ListPageTests
{
    [Fact]
    public void Objects_are_read_whatever_stands_before_and_after_them()
    {
        var page = Read("""{"kind":"List","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"},"more":[{"items":[1]}]}],"metadata":{"resourceVersion":"3","continue":"c"},"x":{"items":[]}}""");

        page.Items.Select(static item => item.Metadata.Name).ShouldBe(["a", "b"]);
        page.Metadata.ShouldBe(new ListPageMeta { ResourceVersion = "3", Continue = "c" });
    }

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("[]", "expected an object, not StartArray")]
    [InlineData("""{"items":{}}""", "expected a list of items, not StartObject")]
    [InlineData("""{"items":[{},null]}""", "items[1]: the object is null")]
    [InlineData("""{"items":[{},{"metadata":{"name":5}}]}""", "items[1]: ")]
    [InlineData("""{"items":[{}""", "JSON")]
    [InlineData("""{"items":[]} {}""", "single JSON value")]
    public void What_is_no_list_is_refused(string body, string words) =>
        Should.Throw<JsonException>(() => Read(body)).Message.ShouldContain(words);

    private static ListPage<V1ConfigMap> Read(string body) => ListPage<V1ConfigMap>.Read(Encoding.UTF8.GetBytes(body));
}
