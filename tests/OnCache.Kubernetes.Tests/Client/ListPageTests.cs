using System.Text;
using System.Text.Json;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.Client;

/// <summary>How the answer to a list request is read.</summary>
public sealed class ListPageTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(7)]
    [InlineData(1)]
    public async Task Objects_are_read_whatever_stands_before_and_after_them_and_however_they_arrive(int chunk)
    {
        var page = await ReadAsync(
            """{"kind":"List","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"bäh"},"more":[{"items":[1]}]}],"metadata":{"resourceVersion":"3","continue":"c"},"x":{"items":[]}}""",
            chunk);

        page.Items.Select(static item => item.Metadata.Name).ShouldBe(["a", "bäh"]);
        page.Metadata.ShouldBe(new ListPageMeta { ResourceVersion = "3", Continue = "c" });
    }

    [Theory]
    [InlineData("{}")]
    [InlineData(""" { "items" : null } """)]
    [InlineData("""{"items":[]}""")]
    public async Task A_list_may_be_empty(string body)
    {
        foreach (var chunk in (int[])[int.MaxValue, 1])
        {
            (await ReadAsync(body, chunk)).Items.ShouldBeEmpty();
        }
    }

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("[]", "expected an object, not StartArray")]
    [InlineData("""{"items":{}}""", "expected a list of items, not StartObject")]
    [InlineData("""{"items":[{},null]}""", "items[1]: the object is null")]
    [InlineData("""{"items":[{},{"metadata":{"name":5}}]}""", "items[1]: ")]
    [InlineData("""{"items":[{}""", "JSON")]
    [InlineData("""{"items":[]} {}""", "single JSON value")]
    public async Task What_is_no_list_is_refused(string body, string words)
    {
        foreach (var chunk in (int[])[int.MaxValue, 1])
        {
            (await Should.ThrowAsync<JsonException>(() => ReadAsync(body, chunk))).Message.ShouldContain(words);
        }
    }

    [Fact]
    public async Task A_list_longer_than_any_buffer_is_read()
    {
        var items = Enumerable.Range(0, 3000)
            .Select(static number => $$$"""{"metadata": {"name": "n{{{number}}}"}, "data": {"x": "{{{new string('y', number % 300)}}}"} }""");
        var body = $$"""{"items": [{{string.Join(',', items)}}]}""";

        var page = await ReadAsync(body, 1000);

        page.Items.Select(static item => item.Metadata.Name).ShouldBe(Enumerable.Range(0, 3000).Select(static number => $"n{number}"));
    }

    private static async Task<ListPage<V1ConfigMap>> ReadAsync(string body, int chunk) =>
        await ListPage<V1ConfigMap>.ReadAsync(new ChunkedStream(Encoding.UTF8.GetBytes(body), chunk), Token);
}
