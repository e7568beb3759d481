// SPDX-License-Identifier: MIT
#include "base/list.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace luna {
namespace {

struct Element {
  char name;
  Element* previous = nullptr;
  Element* next = nullptr;
};

// Three elements a, b, c in a list, in this order.
struct ThreeElements {
  ThreeElements() {
    for (Element& element : elements) list.push_back(&element);
  }

  // The names, read forwards; "?" where a backward link is wrong.
  [[nodiscard]] std::string names() const {
    std::string result;
    const Element* last = nullptr;
    for (const Element* at = list.first(); at != nullptr; last = at, at = at->next)
      result += at->previous == last ? at->name : '?';
    return result;
  }

  std::array<Element, 3> elements = {Element{'a'}, Element{'b'}, Element{'c'}};
  List<Element> list;
};

TEST(List, BeginsEmpty) {
  const List<Element> list;

  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.first(), nullptr);
}

TEST(List, PushBackKeepsTheOrder) {
  const ThreeElements fixture;

  EXPECT_EQ(fixture.names(), "abc");
}

TEST(List, PushFrontTurnsTheOrder) {
  List<Element> list;
  Element first{'a'};
  Element second{'b'};
  list.push_front(&first);
  list.push_front(&second);

  EXPECT_EQ(list.first(), &second);
  EXPECT_EQ(second.next, &first);
  EXPECT_EQ(first.previous, &second);
}

TEST(List, FirstIsRemoved) {
  ThreeElements fixture;
  fixture.list.remove(&fixture.elements[0]);

  EXPECT_EQ(fixture.names(), "bc");
}

TEST(List, MiddleIsRemoved) {
  ThreeElements fixture;
  fixture.list.remove(&fixture.elements[1]);

  EXPECT_EQ(fixture.names(), "ac");
}

TEST(List, PushBackFollowsARemovedLast) {
  ThreeElements fixture;
  fixture.list.remove(&fixture.elements[2]);
  fixture.list.remove(&fixture.elements[0]);
  fixture.list.push_back(&fixture.elements[2]);

  EXPECT_EQ(fixture.names(), "bc");
}

TEST(List, RemovedElementHasNoLinks) {
  ThreeElements fixture;
  fixture.list.remove(&fixture.elements[1]);

  EXPECT_EQ(fixture.elements[1].previous, nullptr);
  EXPECT_EQ(fixture.elements[1].next, nullptr);
}

TEST(List, LastOneRemovedLeavesAnEmptyListThatCanBeUsed) {
  ThreeElements fixture;
  for (Element& element : fixture.elements) fixture.list.remove(&element);
  EXPECT_TRUE(fixture.list.empty());

  fixture.list.push_front(&fixture.elements[1]);
  fixture.list.push_back(&fixture.elements[0]);

  EXPECT_EQ(fixture.names(), "ba");
}

}  // namespace
}  // namespace luna
