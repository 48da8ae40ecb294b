using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Configuration;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.Configuration;

public sealed class TokenFileTests : IDisposable
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private readonly string _folder = Directory.CreateTempSubdirectory("token-").FullName;
    private readonly ManualTime _time = new();

    private string TokenPath => Path.Combine(_folder, "token");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_replaced_token_is_noticed_after_a_minute_or_a_refusal()
    {
        var tokens = new TokenFile(TokenPath, _time);
        (await ReadAsync(tokens, "one")).ShouldBe("one");
        (await ReadAsync(tokens, "two")).ShouldBe("one");

        _time.Advance(TimeSpan.FromMinutes(1));
        (await ReadAsync(tokens, "two")).ShouldBe("two");

        tokens.Invalidate();
        (await ReadAsync(tokens, "three")).ShouldBe("three");
    }

    [Fact]
    public async Task A_file_missing_or_empty_for_a_moment_is_bridged_but_not_at_the_start()
    {
        var tokens = new TokenFile(TokenPath, _time);
        (await Should.ThrowAsync<KubernetesException>(async () => await tokens.GetAsync(Token)))
            .Message.ShouldStartWith($"token file {TokenPath}: ");
        (await Should.ThrowAsync<KubernetesException>(async () => await ReadAsync(tokens, " \n")))
            .Message.ShouldBe($"token file {TokenPath}: it is empty");

        (await ReadAsync(tokens, "one")).ShouldBe("one");
        tokens.Invalidate();
        (await ReadAsync(tokens, string.Empty)).ShouldBe("one");
        File.Delete(TokenPath);
        (await tokens.GetAsync(Token)).ShouldBe("one");
    }

    [Fact]
    public async Task A_refused_token_is_read_again_and_the_request_repeated_once()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.Json(Samples.Map("a")),
            Answer.Status(401, "Unauthorized", "expired"),
            Answer.Json(Samples.Map("a")));
        using var client = server.Client(token: new TokenFile(TokenPath, _time));
        var name = new NamespacedName("default", "a");
        await File.WriteAllTextAsync(TokenPath, "one", Token);
        _ = await client.GetAsync<V1ConfigMap>(name, Token);

        await File.WriteAllTextAsync(TokenPath, "two", Token);
        _ = await client.GetAsync<V1ConfigMap>(name, Token);

        server.Requests.Select(request => request.Authorization).ShouldBe(["Bearer one", "Bearer one", "Bearer two"]);
    }

    [Fact]
    public async Task A_refused_token_that_is_still_the_same_is_not_sent_again()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Status(401, "Unauthorized", "no"));
        using var client = server.Client(token: new StaticToken("one"));

        (await Should.ThrowAsync<KubernetesException>(
            () => client.GetAsync<V1ConfigMap>(new NamespacedName("default", "a"), Token)))
            .Reason.ShouldBe(StatusReason.Unauthorized);
        server.Requests.Count.ShouldBe(1);
    }

    private async Task<string> ReadAsync(TokenFile tokens, string content)
    {
        await File.WriteAllTextAsync(TokenPath, content, Token);
        return await tokens.GetAsync(Token);
    }
}
